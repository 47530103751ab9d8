using System.Text;
using Microtome.Models;

namespace Microtome.Circuits.Tests;

public sealed class SteeredGraphTests : IDisposable
{
    private readonly SmallModel _model = SmallModel.Stories();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void What_was_added_are_nodes_by_layer_and_position()
    {
        AttributionGraph graph = Steered();
        graph.Injections.Select(injection => (injection.Layer, injection.Position)).ShouldBe([(1, 4), (1, 6), (3, 4), (3, 6)]);
        foreach (InjectionNode injection in graph.Injections) injection.Norm.ShouldBe(8 * 0.5f, 1e-4f); // 64 elements
        graph.IsInjection(graph.FirstInjection).ShouldBeTrue();
        graph.IsInjection(graph.FirstToken).ShouldBeFalse();
        graph.LayerOf(graph.FirstInjection + 2).ShouldBe(3);
        graph.PositionOf(graph.FirstInjection + 1).ShouldBe(6);
    }

    [Fact]
    public void Steering_that_changes_nothing_leaves_the_graph_as_it_is()
    {
        int[] tokens = Tokens();
        AttributionGraph plain = _model.Trace(tokens), steered = _model.Trace(tokens, new AttributionOptions { Steering = new ForwardHooks().Add(HookPoint.ResidPost, 2, (_, _) => { }) });
        steered.Injections.ShouldBeEmpty();
        for (int row = 0; row < plain.Edges.Rows; row++) steered.Edges.Row(row).SequenceEqual(plain.Edges.Row(row)).ShouldBeTrue();
    }

    [Fact]
    public void A_steered_graph_survives_its_file()
    {
        AttributionGraph graph = Steered();
        GraphFile.Save(graph, _folder["g.safetensors"], "v");
        AttributionGraph read = GraphFile.Load(_folder["g.safetensors"]);
        read.Injections.ShouldBe(graph.Injections);
        PrunedGraph.Prune(read).Edges.ShouldBe(PrunedGraph.Prune(graph).Edges);
        GraphScores.Of(read).ShouldBe(GraphScores.Of(graph));
    }

    [Fact]
    public void The_interchange_format_has_nodes_of_their_own_for_what_was_added()
    {
        PrunedGraph pruned = PrunedGraph.Prune(Steered(), 0.98, 0.99);
        using MemoryStream stream = new();
        GraphJson.Write(pruned, "steered", stream);
        string json = Encoding.UTF8.GetString(stream.ToArray());
        json.ShouldContain("\"node_id\": \"S1_4\"");
        json.ShouldContain("\"feature_type\": \"steering\"");
        json.ShouldContain("\"source\": \"S1_4\"");
    }

    private AttributionGraph Steered()
    {
        ForwardHook add = (x, _) =>
        {
            foreach (int position in new[] { 4, 6 })
                foreach (ref float value in x.Row(position)) value += 0.5f;
        };
        return _model.Trace(Tokens(), new AttributionOptions { Steering = new ForwardHooks().Add(HookPoint.ResidPost, 1, add).Add(HookPoint.ResidPost, 3, add) });
    }

    private int[] Tokens() => _model.Prompts.EncodeForTracing("Tom went to the park. He was");
}
