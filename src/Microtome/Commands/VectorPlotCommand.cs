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
        Option<string?> pairs = new("--pairs") { Description = "Pairs of texts: JSON, a list of objects with \"positive\" and \"negative\".", HelpName = "FILE" };
        Option<string[]> texts = new("--texts") { Description = "Instead of pairs, lists of texts: a file for each group, JSON, a list of strings, or plain text, one a line.", HelpName = "FILE", AllowMultipleArgumentsPerToken = true };
        Option<string?> transcoders = CommonOptions.Transcoders();
        transcoders.Description = "What --steer latent:… names latents of: a folder of transcoders, or owner/name[@revision]. Without it, those that come with the small model.";
        Option<int?> layer = new("--layer") { Description = "The layer whose plane is drawn; the middle one without it.", HelpName = "N" };
        Option<string[]> steer = SteerOption.Create();
        Option<string> output = new("--out", "-o") { Description = "The picture: SVG; beside it, the same as Vega-Lite JSON.", HelpName = "FILE", DefaultValueFactory = _ => "trajectories.svg" };
        Option<int?> threads = CommonOptions.Threads();
        ExampleCommand command = new("plot", "Draw texts' ways through the layers, in the plane in which they differ most at one layer.",
            "microtome vector plot --pairs happy-sad.json --layer 2 -o happy-sad.svg",
            "microtome vector plot --texts happy.txt sad.txt angry.txt --layer 2 -o moods.svg")
        {
            model, pairs, texts, layer, steer, transcoders, output, threads,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(pairs) is null == result.GetResult(texts) is null) result.AddError("Give the texts: pairs with --pairs, or lists with --texts.");
        });
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            (string Text, string Group)[] runs = result.GetValue(pairs) is { } file
                ? [.. ContrastPair.Load(file).SelectMany(pair => new[] { (pair.Positive, "positive"), (pair.Negative, "negative") })]
                : [.. result.GetValue(texts)!.SelectMany(list => TextLists.Load(list).Select(text => (text, Path.GetFileNameWithoutExtension(list))))];
            using ProgressDisplay progress = new();
            ModelSource source = new(progress.Downloads, cancellation);
            using LoadedModel loaded = await source.LoadModelAsync(result.GetValue(model));
            IReadOnlyList<SteeringRequest> requests = result.Requests(steer);
            using TranscoderSet? dictionary = requests.NeedDictionary() ? await source.LoadTranscodersAsync(result.GetValue(transcoders)) : null;
            using SteeringResolver resolver = new(loaded.Specification, dictionary);
            progress.Report("running the texts", null);
            StreamStates states = StreamStates.Collect(loaded.Transformer, [.. runs.Select(run => loaded.Prompts.Encode(run.Text))], requests.Resolve(resolver)?.Hooks(loaded.Specification), cancellation: cancellation);
            StreamTrajectories trajectories = StreamTrajectories.Of(states, result.GetValue(layer) ?? states.Layers / 2);
            XyChart chart = trajectories.Draw($"{(result.GetValue(pairs) is { } name ? Path.GetFileNameWithoutExtension(name) : string.Join(", ", runs.Select(run => run.Group).Distinct()))} through {Path.GetFileName(Path.TrimEndingDirectorySeparator(loaded.Name))}",
                [.. runs.Select(run => run.Text)], [.. runs.Select(run => run.Group)]);
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
