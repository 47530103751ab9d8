using System.CommandLine;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome vector plot</c></summary>
internal static class VectorPlotCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model();
        Option<string> pairs = new("--pairs") { Description = "Pairs of texts: JSON, a list of objects with \"positive\" and \"negative\".", HelpName = "FILE", Required = true };
        Option<int?> layer = new("--layer") { Description = "The layer whose plane is drawn; the middle one without it.", HelpName = "N" };
        Option<string[]> steer = SteerOption.Create();
        Option<string> output = new("--out", "-o") { Description = "The picture: SVG; beside it, the same as Vega-Lite JSON.", HelpName = "FILE", DefaultValueFactory = _ => "trajectories.svg" };
        Option<int?> threads = CommonOptions.Threads();
        ExampleCommand command = new("plot", "Draw texts' ways through the layers, in the plane in which they differ most at one layer.",
            "microtome vector plot --pairs happy-sad.json --layer 2 -o happy-sad.svg")
        {
            model, pairs, layer, steer, output, threads,
        };
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            IReadOnlyList<ContrastPair> contrast = ContrastPair.Load(result.GetValue(pairs)!);
            using ProgressDisplay progress = new();
            ModelSource source = new(progress.Downloads, cancellation);
            using LoadedModel loaded = await source.LoadModelAsync(result.GetValue(model));
            IReadOnlyList<SteeringRequest> requests = result.Requests(steer);
            using TranscoderSet? dictionary = requests.NeedDictionary() ? await source.LoadTranscodersAsync(null) : null;
            using SteeringResolver resolver = new(loaded.Specification, dictionary);
            progress.Report("running the texts", null);
            StreamStates states = StreamStates.Collect(loaded.Transformer, PairVectors.Encode(loaded, contrast), requests.Resolve(resolver)?.Hooks(loaded.Specification), cancellation: cancellation);
            StreamTrajectories trajectories = StreamTrajectories.Of(states, result.GetValue(layer) ?? states.Layers / 2);
            XyChart chart = trajectories.Draw($"{Path.GetFileNameWithoutExtension(result.GetValue(pairs)!)} through {Path.GetFileName(Path.TrimEndingDirectorySeparator(loaded.Name))}",
                [.. contrast.SelectMany(pair => new[] { pair.Positive, pair.Negative })], [.. contrast.SelectMany(_ => new[] { "positive", "negative" })]);
            string picture = result.GetValue(output)!, specification = Path.ChangeExtension(picture, ".vl.json");
            AtomicFile.Write(picture, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(ChartSvg.WriteFile(chart))));
            AtomicFile.Write(specification, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(VegaLite.Write(chart))));
            progress.Clear();
            Screen.Line($"Wrote {Screen.Escape(picture)} and {Screen.Escape(specification)}: {trajectories.Points.Count} texts, {trajectories.Explained[0]:0%} and {trajectories.Explained[1]:0%} of the variance after layer {trajectories.FittedLayer}");
            return 0;
        });
        return command;
    }
}
