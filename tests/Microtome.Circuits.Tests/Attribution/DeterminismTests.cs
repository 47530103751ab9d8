using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits.Tests;

/// <summary>These set the number of threads of the whole process.</summary>
[CollectionDefinition(nameof(DeterminismTests), DisableParallelization = true)]
[Collection(nameof(DeterminismTests))]
public sealed class DeterminismTests : IDisposable
{
    private static readonly int[] Prompt = [.. Enumerable.Range(0, 40).Select(i => 1 + i * 37 % 200)];

    private readonly int _threads = WorkerPool.Threads;

    public void Dispose() => WorkerPool.Threads = _threads;

    [Theory]
    [InlineData("qwen3", TranscoderKind.PerLayer)]
    [InlineData("gemma2", TranscoderKind.CrossLayer)]
    [InlineData("llama", TranscoderKind.Skip)]
    public void Graphs_have_the_same_bits_for_any_number_of_threads(string family, TranscoderKind kind)
    {
        byte[] one = GraphBits(family, kind, 1), two = GraphBits(family, kind, 2), three = GraphBits(family, kind, 3);
        two.AsSpan().SequenceEqual(one).ShouldBeTrue("2 threads differ from 1");
        three.AsSpan().SequenceEqual(one).ShouldBeTrue("3 threads differ from 1");
    }

    private static byte[] GraphBits(string family, TranscoderKind kind, int threads)
    {
        WorkerPool.Threads = threads;
        using TemporaryFolder folder = new();
        using Checkpoint checkpoint = Checkpoint.Open(TestFiles.Get($"golden/models/{family}"));
        using TranscoderSet transcoders = RandomTranscoders.Write(folder.Path, checkpoint.Specification, kind, "mlp.hook_in", "mlp.hook_out");
        AttributionGraph graph = Attributor.Attribute(new ReplacementModel(new Transformer(checkpoint), transcoders), Prompt, new AttributionOptions { MaximumFeatures = 200, BatchSize = 64, BatchesPerRound = 2 }, token => $"{token}");
        using MemoryStream bits = new();
        using (BinaryWriter writer = new(bits, System.Text.Encoding.UTF8, leaveOpen: true))
        {
            foreach (int selected in graph.Selected) writer.Write(selected);
            for (int row = 0; row < graph.Edges.Rows; row++)
                foreach (float edge in graph.Edges.Row(row)) writer.Write(edge);
            foreach (float influence in PrunedGraph.Prune(graph).CumulativeInfluence) writer.Write(influence);
        }
        return bits.ToArray();
    }
}
