using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

public sealed class LatentComparisonTests : IDisposable
{
    private const int Width = 48;
    private const string Hook = "blocks.0.hook_resid_pre";
    private readonly TemporaryFolder _folder = new();
    private readonly SmallSource _source = new();

    public void Dispose()
    {
        _source.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_latent_that_was_split_has_two_children_one_that_was_lost_has_none()
    {
        // Narrow: e0, e1, e2. Wide: two latents near e0, e1 itself, and e5, which is near none.
        JudgedDictionary narrow = Open("narrow", Rows([(0, 1, 0, 0)], [(1, 1, 0, 0)], [(2, 1, 0, 0)]));
        JudgedDictionary wide = Open("wide", Rows([(0, 1, 7, 0.3f)], [(0, 2, 8, 0.5f)], [(1, 3, 0, 0)], [(5, 1, 0, 0)]));

        IReadOnlyList<LatentMatch> matches = LatentSplitting.Compare(narrow.Features, wide.Features);

        matches.Select(match => match.Children).ShouldBe([2, 1, 0]);
        matches.Select(match => match.Match).ShouldBe([1, 2, 0]);
        ((double)matches[0].Cosine).ShouldBe(2 / Math.Sqrt(4.25), 1e-6);
        ((double)matches[1].Cosine).ShouldBe(1, 1e-6);
        ((double)matches[2].Cosine).ShouldBe(0, 1e-6);
    }

    [Fact]
    public void Dictionaries_of_other_hooks_are_not_compared() =>
        Should.Throw<ArgumentException>(() => LatentSplitting.Compare(Open("a", Rows([(0, 1, 0, 0)])).Features, Open("b", Rows([(0, 1, 0, 0)]), "blocks.1.hook_resid_pre").Features)).Message.ShouldContain("have no hook in common");

    [Fact]
    public void A_fact_with_a_latent_of_its_own_is_found_and_chance_finds_none()
    {
        // A latent reads the embedding of each of six tokens; facts are prompts that have one of them.
        int[] subjects = [20, 41, 62, 83, 104, 125];
        Tensor embeddings = _source.Model.Transformer.TokenEmbeddings(subjects);
        float[] encoder = new float[Width * subjects.Length], bias = new float[subjects.Length];
        for (int latent = 0; latent < subjects.Length; latent++)
        {
            float square = VectorOperations.SumOfSquares(embeddings.Row(latent));
            for (int i = 0; i < Width; i++) encoder[i * subjects.Length + latent] = embeddings.Row(latent)[i] / square;
            bias[latent] = -0.9f;
        }
        JudgedDictionary dictionary = JudgedDictionary.Of("facts", AutoencoderReader.Open(MadeAutoencoder.Write(_folder, "facts", Width, subjects.Length, Hook, encoder, bias, new float[subjects.Length * Width])), _source.Model.Specification);
        KnownFact[] facts = [.. subjects.Select((subject, index) => new KnownFact("kind", $"fact {index}", 0.01, [.. Enumerable.Range(0, 6).Select(wording => new[] { 1, 3 + wording, subject })]))];

        IReadOnlyList<FactLatent> found = FactLatents.Find(_source.Model.Transformer, dictionary, facts), chance = FactLatents.Find(_source.Model.Transformer, dictionary, facts, shuffled: 3);

        found.Select(fact => fact.Latent).ShouldBe([0, 1, 2, 3, 4, 5]);
        found.ShouldAllBe(fact => fact.F1 == 1 && fact.Area == 1);
        chance.Average(fact => fact.F1).ShouldBeLessThan(0.6);
    }

    [Fact]
    public void A_fact_that_activates_nothing_has_no_latent()
    {
        float[] bias = [-100];
        JudgedDictionary dictionary = JudgedDictionary.Of("dead", AutoencoderReader.Open(MadeAutoencoder.Write(_folder, "dead", Width, 1, Hook, new float[Width], bias, new float[Width])), _source.Model.Specification);
        FactLatents.Find(_source.Model.Transformer, dictionary, [new KnownFact("kind", "fact", 1, [[1, 2], [1, 3]])]).ShouldHaveSingleItem().Latent.ShouldBe(-1);
    }

    private JudgedDictionary Open(string name, float[] decoder, string hook = Hook)
    {
        int latents = decoder.Length / Width;
        return JudgedDictionary.Of(name, AutoencoderReader.Open(MadeAutoencoder.Write(_folder, name, Width, latents, hook, new float[Width * latents], new float[latents], decoder)), _source.Model.Specification);
    }

    /// <summary>Rows with one or two values that are not zero.</summary>
    private static float[] Rows(params (int First, float Value, int Second, float Other)[][] rows)
    {
        float[] decoder = new float[rows.Length * Width];
        for (int row = 0; row < rows.Length; row++)
        {
            (int first, float value, int second, float other) = rows[row][0];
            decoder[row * Width + second] += other;
            decoder[row * Width + first] += value;
        }
        return decoder;
    }
}
