using System.CommandLine;
using System.Text.Json;
using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Bench;

/// <summary>What each exact saving of the attribution walk is worth: the floating-point operations that one graph's rows would take without it, all others kept.</summary>
internal static class SavingsCommand
{
    private sealed record Saving(string Without, double Gigaflops, double OverAll);

    public static Command Create()
    {
        Argument<DirectoryInfo> folder = new("DIR") { Description = "What synth wrote." };
        Option<int> features = new("--features") { Description = "Feature rows, those with the most influence; 0 for all.", DefaultValueFactory = _ => 512 };
        Option<int> logits = new("--logits") { Description = "Next tokens to explain.", DefaultValueFactory = _ => 10 };
        Option<bool> json = new("--json") { Description = "Print one JSON record instead of a table." };
        Command command = new("savings", "Count the operations that a graph would take without each saving.") { folder, features, logits, json };
        command.SetAction(result =>
        {
            Saving[] savings = Count(result.GetRequiredValue(folder).FullName, result.GetValue(features), result.GetValue(logits));
            if (result.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(savings, JsonSerializerOptions.Web));
            else
                foreach (Saving saving in savings) Console.WriteLine($"{saving.Without,-58} {saving.Gigaflops,9:F0} GFLOP {saving.OverAll,6:F2}");
        });
        return command;
    }

    private static Saving[] Count(string folder, int features, int logits)
    {
        int[] tokens = SyntheticFiles.ReadPrompt(folder);
        using Checkpoint checkpoint = Checkpoint.Open(SyntheticFiles.Model(folder));
        using TranscoderSet transcoders = TranscoderReader.Open(SyntheticFiles.Transcoders(folder));
        ReplacementModel replacement = new(new Transformer(checkpoint), transcoders);
        (int Layer, int Position)[] chosen = Chosen(replacement, tokens, features, logits);

        ModelSpecification model = replacement.Specification;
        AttentionSpecification attention = model.Attention;
        double width = model.ModelWidth, heads = attention.Heads * attention.HeadWidth, values = attention.KeyValueHeads * attention.HeadWidth;
        int layers = model.Layers.Count, positions = tokens.Length;
        int beside = model.ParallelResidual ? 0 : 1; // the attention of a feature's own layer
        (int Attentions, int Position)[] targets = [.. chosen.Select(at => (at.Layer + beside, at.Position)), .. Enumerable.Repeat((layers, positions - 1), logits)];
        int leading = targets.Length > 2 * positions ? replacement.DroppedPositions(tokens) : 0; // tokens that are pushed up through all layers
        bool pushes = targets.Length > positions; // the other tokens through the lowest attention
        double pushed = pushes ? (double)(positions - leading) * (positions - leading + 1) * heads * width + 2.0 * positions * values * width : 0;
        double led = leading * layers * 2.0 * positions * width * (heads + values);

        // The projections of one target through its attentions: all but the lowest one, and the first with one row for each head.
        double Target(double attentions, double seen, double valueWidth, bool pushing, bool ownPositionFirst = true)
        {
            attentions -= pushing ? 1 : 0;
            if (attentions < 1) return 0;
            return 2 * width * (ownPositionFirst ? 2 * heads + (attentions - 1) * seen * (heads + valueWidth) : attentions * seen * (heads + valueWidth));
        }
        double Rows(Func<int, int, double> target) => targets.Sum(at => target(at.Attentions, at.Position));
        double forward = 2 * Weights(checkpoint, model) * positions;

        double all = Rows((attentions, position) => Target(attentions, position + 1 - leading, values, pushes)) + pushed + led + forward;
        Saving Without(string what, double operations) => new(what, operations * 1e-9, operations / all);
        return
        [
            Without("with all savings: projections and one forward pass", all),
            Without("a copy of the prompt for each row of a batch of 256", all + 255 * forward),
            Without("gradients at all positions", Rows((attentions, _) => Target(attentions, positions - leading, values, pushes)) + pushed + led + forward),
            Without("gradients through all layers", Rows((_, position) => Target(layers, position + 1 - leading, values, pushes)) + pushed + led + forward),
            Without("all positions and all layers", Rows((_, _) => Target(layers, positions - leading, values, pushes)) + pushed + led + forward),
            Without("each query head through its own value weights", Rows((attentions, position) => Target(attentions, position + 1 - leading, heads, pushes)) + pushed + led + forward),
            Without("all positions through the first attention", Rows((attentions, position) => Target(attentions, position + 1 - leading, values, pushes, ownPositionFirst: false)) + pushed + led + forward),
            Without("every target through the lowest attention", Rows((attentions, position) => Target(attentions, position + 1 - leading, values, false)) + led + forward),
            Without("every target to the first token", Rows((attentions, position) => Target(attentions, position + 1, values, pushes)) + pushed + forward),
        ];
    }

    private static (int Layer, int Position)[] Chosen(ReplacementModel model, int[] tokens, int features, int logits)
    {
        if (features == 0) return [.. LocalReplacement.Build(model, tokens).Features.Select(feature => (feature.Layer, feature.Position))];
        AttributionOptions options = new() { MaximumTargets = logits, TargetProbability = 1, MaximumFeatures = features };
        AttributionGraph graph = Attributor.Attribute(model, tokens, options, token => $"t{token}");
        return [.. graph.Selected.Select(feature => (graph.ActiveFeatures[feature].Layer, graph.ActiveFeatures[feature].Position))];
    }

    /// <summary>Numbers that a forward pass multiplies each position with.</summary>
    private static double Weights(Checkpoint checkpoint, ModelSpecification model) =>
        checkpoint.Tensors.Values.Sum(tensor => (double)tensor.Length) - (model.TiedUnembedding ? 0 : (double)model.VocabularySize * model.ModelWidth);
}
