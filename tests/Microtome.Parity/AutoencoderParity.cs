using Microtome.Dictionaries;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Parity;

/// <summary>Autoencoders and one-layer transcoders against SAELens's: activations, which latents are active, and the output.</summary>
internal static class AutoencoderParity
{
    private const double Tolerance = 1e-4;

    public static IEnumerable<(string Name, Action<Comparison> Compare)> Cases(string folder) =>
        from golden in Directory.EnumerateFiles(folder, "golden.safetensors", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        let place = Path.GetDirectoryName(golden)!
        select (Path.GetRelativePath(folder, place), (Action<Comparison>)(comparison => Compare(place, comparison)));

    private static void Compare(string place, Comparison comparison)
    {
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(place);
        using SafetensorsFile golden = SafetensorsFile.Open(Path.Combine(place, "golden.safetensors"));
        Tensor input = golden.Get("input").ToTensor();
        Tensor rows = Tensor.From(input.Span, input.Length / autoencoder.InputWidth, autoencoder.InputWidth); // heads, where there are any, side by side
        if (golden.Find("acts") is { } acts)
        {
            Tensor encoded = autoencoder.Encode(rows.AsMatrix());
            comparison.Close("acts", encoded.Span, acts, Tolerance);
            comparison.Same("active latents", Support(encoded), (ReadOnlySpan<int>)Support(acts.ToTensor()));
        }
        if (golden.Find("output") is not { } output) return;
        comparison.Close("output", autoencoder.Reconstruct(rows.AsMatrix()).Span, output, Tolerance);
        comparison.Close("output as one product", autoencoder.Decode(autoencoder.Encode(rows.AsMatrix()), rows.AsMatrix()).Span, output, Tolerance);
    }

    private static int[] Support(Tensor activations) => [.. Enumerable.Range(0, activations.Length).Where(i => activations.Span[i] != 0)];
}
