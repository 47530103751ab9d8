using System.CommandLine;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome vector compare</c></summary>
internal static class VectorCompareCommand
{
    public static Command Create()
    {
        Argument<string[]> paths = new("FILES") { Description = "Steering vectors of one model.", Arity = ArgumentArity.OneOrMore };
        Option<int?> layer = new("--layer") { Description = "Compare at this layer only; at every one that all have without it.", HelpName = "N" };
        Option<bool> latents = new("--latents") { Description = "Also find the dictionary's latents that write most nearly what each vector says." };
        Option<string?> transcoders = CommonOptions.Transcoders();
        Option<string?> dictionary = new("--dictionary", "-d") { HelpName = "DIR", Description = "Instead of transcoders: the folder of one autoencoder, whose latents are compared at the layer that they write to." };
        Option<string?> index = new("--index") { Description = "An index of what latents are active on ('microtome index'): shows the strongest examples, since a label is often wrong.", HelpName = "FILE" };
        Option<int> top = new("--top") { Description = "How many latents.", HelpName = "N", DefaultValueFactory = _ => 5 };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("compare", "Compare steering vectors with each other, and with a dictionary's latents.",
            "microtome vector compare happy.safetensors sad.safetensors",
            "microtome vector compare happy.safetensors --latents --layer 3 --index features.sqlite")
        {
            paths, layer, latents, transcoders, dictionary, index, top, json,
        };
        CommonOptions.Positive(top);
        command.Validators.Add(result =>
        {
            if (result.GetResult(dictionary) is not null && result.GetResult(transcoders) is not null) result.AddError("Give either --transcoders or --dictionary.");
        });
        command.SetWork(async (result, cancellation) =>
        {
            string[] files = result.GetValue(paths)!;
            SteeringVector[] vectors = [.. files.Select(VectorFile.Load)];
            if (vectors.FirstOrDefault(vector => vector.Width != vectors[0].Width) is { } other)
                throw new ArgumentException($"{files[Array.IndexOf(vectors, other)]} has width {other.Width}, {files[0]} {vectors[0].Width}: they are of different models.");
            int[] layers = result.GetValue(layer) is { } one ? [one] : [.. vectors[0].Directions.Keys.Where(at => vectors.All(vector => vector.Directions.ContainsKey(at)))];
            if (layers.Length == 0) throw new ArgumentException("The vectors have no layer in common.");
            bool records = result.GetValue(json);
            foreach (int at in layers)
                if (vectors.Length > 1) PrintCosines(files, vectors, at, records);

            if (!result.GetValue(latents) && result.GetResult(index) is null && result.GetResult(transcoders) is null && result.GetResult(dictionary) is null) return 0;
            using FeatureIndex? examples = result.GetValue(index) is { } path ? FeatureIndex.Open(path) : null;
            if (result.GetValue(dictionary) is { } folder)
            {
                using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder);
                int at = StreamPoints.LayerAfter(autoencoder);
                if (!layers.Contains(at)) throw new ArgumentException($"{folder} writes to the stream after layer {at}, {(result.GetValue(layer) is { } asked ? $"not after layer {asked}" : "for which the vectors have no direction")}.");
                for (int i = 0; i < vectors.Length; i++) PrintLatents(files[i], at, NearestLatents.Best(autoencoder, vectors[i][at], result.GetValue(top)), examples, records, HookNames.Split(autoencoder.Settings.HookName!).Layer);
                return 0;
            }
            using ProgressDisplay progress = new();
            using TranscoderSet set = await new ModelSource(progress.Downloads, cancellation).LoadTranscodersAsync(result.GetValue(transcoders));
            progress.Clear();
            for (int i = 0; i < vectors.Length; i++)
                foreach (int at in layers)
                    PrintLatents(files[i], at, NearestLatents.Best(set, at, vectors[i][at], result.GetValue(top)), examples, records);
            return 0;
        });
        return command;
    }

    private static void PrintCosines(string[] files, SteeringVector[] vectors, int layer, bool records)
    {
        float Cosine(int i, int j) => SteeringVector.Cosine(vectors[i][layer], vectors[j][layer]);
        if (records)
        {
            for (int i = 0; i < files.Length; i++)
                for (int j = 0; j < i; j++)
                {
                    (int first, int second) = (j, i);
                    JsonRecord.Print(json =>
                    {
                        json.WriteNumber("layer", layer);
                        json.WriteString("first", files[first]);
                        json.WriteString("second", files[second]);
                        json.WriteNumber("cosine", Cosine(first, second));
                    });
                }
            return;
        }
        Screen.Heading($"Cosines at layer {layer}");
        string[] names = [.. files.Select(file => Path.GetFileNameWithoutExtension(file))];
        Screen.Table(["", .. names.Select(name => ">" + name)], names.Select((name, i) => new[] { Screen.Escape(name) }.Concat(names.Select((_, j) => TextFormat.Value(Cosine(i, j)))).ToArray()));
    }

    /// <param name="indexed">The layer that an index has the latents under, where it is another.</param>
    private static void PrintLatents(string file, int layer, IReadOnlyList<NearLatent> matches, FeatureIndex? index, bool records, int? indexed = null)
    {
        if (!records) Screen.Heading($"Latents of layer {layer} nearest to {Path.GetFileNameWithoutExtension(file)}");
        List<string[]> rows = [];
        foreach (NearLatent match in matches)
        {
            FeatureData? data = index?.Find(indexed ?? layer, match.Feature);
            if (records)
            {
                JsonRecord.Print(json =>
                {
                    json.WriteString("vector", file);
                    json.WriteNumber("layer", layer);
                    json.WriteNumber("feature", match.Feature);
                    json.WriteNumber("decoder_cosine", match.Decoder);
                    json.WriteNumber("encoder_cosine", match.Encoder);
                    if (data?.Label is { } label) json.WriteString("label", label);
                    if (data is not null) json.WriteStrings("examples", data.Strongest.Take(5).Select(Marked));
                });
                continue;
            }
            rows.Add([$"{match.Feature}", TextFormat.Value(match.Decoder), TextFormat.Value(match.Encoder), Screen.Escape(data?.Label ?? ""), Screen.Escape(data?.Strongest.Count > 0 ? Marked(data.Strongest[0]) : "")]);
            if (data is not null) rows.AddRange(data.Strongest.Skip(1).Take(2).Select(example => new[] { "", "", "", "", Screen.Escape(Marked(example)) }));
        }
        if (!records) Screen.Table([">feature", ">writes", ">reads", "label", index is null ? "" : "strongest examples"], rows);
    }

    /// <summary>The text around the strongest token, which is marked.</summary>
    private static string Marked(FeatureExample example)
    {
        const int Around = 8;
        int first = Math.Max(0, example.Peak - Around), end = Math.Min(example.Tokens.Count, example.Peak + 3);
        string text = string.Concat(Enumerable.Range(first, end - first).Select(i => i == example.Peak ? $"»{example.Tokens[i]}«" : example.Tokens[i]));
        return text.Replace('\n', ' ').Trim();
    }
}
