using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Parity;

/// <summary>Forward passes against transformers': logits, every layer's residual stream and attention, greedy continuations, long inputs.</summary>
internal static class ModelParity
{
    private const double Tolerance = 1e-4;

    public static IEnumerable<(string Name, Action<Comparison> Compare)> Cases(string folder) =>
        from golden in Directory.EnumerateFiles(folder, "golden.safetensors", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        select (Path.GetRelativePath(folder, Path.GetDirectoryName(golden)!), (Action<Comparison>)(comparison => Compare(golden, comparison)));

    private static void Compare(string goldenPath, Comparison comparison)
    {
        using SafetensorsFile golden = SafetensorsFile.Open(goldenPath);
        using Checkpoint checkpoint = Checkpoint.Open(Path.GetDirectoryName(goldenPath)!);
        Transformer model = new(checkpoint);
        int layers = model.Specification.Layers.Count;

        int[] tokens = Ints(golden.Get("input_ids"));
        Tensor?[] hidden = new Tensor?[layers + 1], attention = new Tensor?[layers];
        ForwardHooks hooks = new();
        for (int layer = 0; layer < layers; layer++)
            hooks.Add(HookPoint.ResidPre, layer, (x, at) => hidden[at.Layer] = x.Clone())
                .Add(HookPoint.AttentionPattern, layer, (x, at) => attention[at.Layer] = x.Clone());
        hooks.Add(HookPoint.UnembedIn, 0, (x, _) => hidden[layers] = x.Clone());

        comparison.Close("logits", model.Forward(tokens, hooks).Span, golden.Get("logits"), Tolerance);
        for (int layer = 0; layer <= layers; layer++) comparison.Close($"hidden_{layer}", hidden[layer]!.Span, golden.Get($"hidden_{layer}"), Tolerance);
        for (int layer = 0; layer < layers; layer++)
            if (golden.Find($"attention_{layer}") is { } expected) comparison.Close($"attention_{layer}", attention[layer]!.Span, expected, Tolerance);
        if (golden.Find("input_ids_long") is { } longer)
        {
            int[] all = Ints(longer);
            comparison.Close("logits_long", model.Forward(all).Span, golden.Get("logits_long"), Tolerance);
            comparison.Close("logits_long with a cache", InParts(model, all).Span, golden.Get("logits_long"), Tolerance);
        }
        if (golden.Find("greedy") is { } greedy)
        {
            int[] expected = Ints(greedy);
            SamplingOptions options = new() { MaximumTokens = expected.Length - tokens.Length, IgnoreEndOfText = true };
            comparison.Same("greedy", [.. tokens, .. Generation.Generate(model, tokens, options)], (ReadOnlySpan<int>)expected);
        }
    }

    /// <summary>The logits of a sequence given in pieces of growing size through a cache.</summary>
    private static Tensor InParts(Transformer model, int[] tokens)
    {
        KeyValueCache cache = new(model.Specification, tokens.Length);
        Tensor logits = Tensor.Uninitialized(tokens.Length, model.Specification.VocabularySize);
        for (int start = 0, size = 1; start < tokens.Length; start += size, size++)
        {
            Tensor part = model.Forward(tokens[start..Math.Min(tokens.Length, start + size)], cache: cache);
            part.Span.CopyTo(logits.Span[(start * logits.Columns)..]);
        }
        return logits;
    }

    internal static int[] Ints(StoredTensor tensor) => Array.ConvertAll(tensor.ToInt64(), value => (int)value);
}
