using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>The latent of a wider dictionary whose direction is most like a narrower one's.</summary>
/// <param name="Cosine">Of their decoder rows.</param>
/// <param name="Children">How many latents of the wider dictionary have this one as their nearest in the narrower, with a cosine of at least the threshold.</param>
public readonly record struct LatentMatch(int Layer, int Latent, int Match, float Cosine, int Children);

/// <summary>
/// How latents of a narrower dictionary live on in a wider one of the same place: as one latent, split into several, or not at all (Bricken et al. 2023,
/// "Towards Monosemanticity", on feature splitting).
/// </summary>
public static class LatentSplitting
{
    private const int RowsAtOnce = 512;

    /// <summary>The best match of every latent of the narrower dictionary, layer by layer.</summary>
    /// <param name="childCosine">From which cosine on a latent counts as a child of its nearest.</param>
    /// <exception cref="ArgumentException">The dictionaries have no layer in common, or other widths.</exception>
    public static IReadOnlyList<LatentMatch> Compare(DictionaryFeatures narrow, DictionaryFeatures wide, float childCosine = 0.7f, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(narrow);
        ArgumentNullException.ThrowIfNull(wide);
        if (narrow.Width != wide.Width) throw new ArgumentException($"'{narrow.Name}' writes {narrow.Width} values, '{wide.Name}' {wide.Width}; their latents cannot be compared.");
        List<LatentMatch> matches = [];
        foreach (FeatureLayer layer in narrow.Layers)
        {
            if (wide.Layers.FirstOrDefault(candidate => candidate.Layer == layer.Layer && candidate.Input == layer.Input) is not { } other) continue;
            matches.AddRange(Compare(layer, other, narrow.Width, childCosine, cancellation));
        }
        return matches.Count > 0 ? matches : throw new ArgumentException($"'{narrow.Name}' and '{wide.Name}' have no hook in common.");
    }

    private static IEnumerable<LatentMatch> Compare(FeatureLayer narrow, FeatureLayer wide, int width, float childCosine, CancellationToken cancellation)
    {
        Tensor rows = Unit(narrow.Directions(0, narrow.Features, width));
        int[] match = new int[narrow.Features], nearest = new int[wide.Features];
        float[] cosine = new float[narrow.Features], nearestCosine = new float[wide.Features];
        Array.Fill(cosine, float.NegativeInfinity);
        for (int first = 0; first < wide.Features; first += RowsAtOnce)
        {
            cancellation.ThrowIfCancellationRequested();
            int start = first, count = Math.Min(RowsAtOnce, wide.Features - first);
            Tensor others = Unit(wide.Directions(first, count, width)), cosines = Tensor.Uninitialized(count, narrow.Features);
            MatrixProduct.Multiply(others.AsMatrix(), rows.AsMatrix().T, cosines.AsMatrix());
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<float> row = cosines.Row(i);
                nearest[start + i] = TensorPrimitives.IndexOfMax(row);
                nearestCosine[start + i] = row[nearest[start + i]];
                for (int latent = 0; latent < row.Length; latent++)
                    if (row[latent] > cosine[latent]) (cosine[latent], match[latent]) = (row[latent], start + i);
            }
        }
        int[] children = new int[narrow.Features];
        for (int i = 0; i < nearest.Length; i++)
            if (nearestCosine[i] >= childCosine) children[nearest[i]]++;
        for (int latent = 0; latent < narrow.Features; latent++) yield return new LatentMatch(narrow.Layer, latent, match[latent], cosine[latent], children[latent]);
    }

    private static Tensor Unit(Tensor rows)
    {
        WorkerPool.For(rows.Rows, row =>
        {
            float norm = TensorPrimitives.Norm<float>(rows.Row(row));
            if (norm > 0) TensorPrimitives.Divide(rows.Row(row), norm, rows.Row(row));
        });
        return rows;
    }
}
