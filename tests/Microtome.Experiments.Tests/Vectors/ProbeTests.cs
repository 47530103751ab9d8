using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments.Tests;

public class ProbeTests
{
    [Fact]
    public void A_probe_tells_texts_apart_that_the_model_does()
    {
        using LoadedModel model = StoriesModel.Load();
        IReadOnlyList<ContrastPair> pairs = ContrastPair.Load(TestFiles.Get("golden/vectors/happy-sad.json"));
        IReadOnlyList<Probe> probes = Probe.Fit(StreamStates.Collect(model.Transformer, PairVectors.Encode(model, pairs)));
        probes[4].HeldOut.Estimate.ShouldBeGreaterThan(0.9);
        probes[4].HeldOut.IsAbove(0.5).ShouldBeTrue();
        foreach (Probe probe in probes) SteeringVector.Norm(probe.Direction).ShouldBe(1, 1e-5f);
        SteeringVector mean = PairVectors.Make(model, pairs, PairMethod.MeanDifference);
        SteeringVector.Cosine(probes[4].Direction, mean[4]).ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Labels_without_meaning_are_not_told_apart_when_held_out()
    {
        using LoadedModel model = StoriesModel.Load();
        Random random = new(1);
        string[] names = ["Lily", "Tom", "Sue", "Ben", "Mia", "Tim", "Sam", "Anna"];
        string[] places = ["park", "house", "garden", "shop", "school", "street"];
        List<string> texts = [.. from name in names from place in places select $"{name} was in the {place}. {name} said"];
        string[] shuffled = [.. texts];
        random.Shuffle(shuffled);
        ContrastPair[] pairs = [.. Enumerable.Range(0, shuffled.Length / 2).Select(i => new ContrastPair(shuffled[2 * i], shuffled[2 * i + 1]))];
        Probe probe = Probe.Fit(StreamStates.Collect(model.Transformer, PairVectors.Encode(model, pairs)))[3];
        probe.HeldOut.Contains(0.5).ShouldBeTrue($"{probe.HeldOut}");
    }

    [Fact]
    public void Too_few_pairs_are_refused()
    {
        using LoadedModel model = StoriesModel.Load();
        StreamStates states = StreamStates.Collect(model.Transformer, PairVectors.Encode(model, [new("a", "b"), new("c", "d")]));
        Should.Throw<ArgumentException>(() => Probe.Fit(states)).Message.ShouldContain("at least 5 pairs");
    }

    [Fact]
    public void Lists_that_are_pairs_give_the_pairs_directions()
    {
        using LoadedModel model = StoriesModel.Load();
        IReadOnlyList<ContrastPair> pairs = ContrastPair.Load(TestFiles.Get("golden/vectors/happy-sad.json"));
        string[] positive = [.. pairs.Select(pair => pair.Positive)], negative = [.. pairs.Select(pair => pair.Negative)];
        SteeringVector mean = PairVectors.Make(model, pairs, PairMethod.MeanDifference), lists = TextLists.MeanDifference(model, positive, negative);
        SteeringVector probe = ProbeVectors.Make(model, pairs), listed = TextLists.Probe(model, positive, negative);
        foreach (int layer in mean.Directions.Keys)
        {
            for (int i = 0; i < mean.Width; i++) lists[layer][i].ShouldBe(mean[layer][i], 1e-5f);
            SteeringVector.Cosine(probe[layer], listed[layer]).ShouldBe(1, 1e-4f);
        }
    }

    [Fact]
    public void Lists_of_unequal_lengths_are_told_apart_where_they_differ_and_not_where_they_do_not()
    {
        using LoadedModel model = StoriesModel.Load();
        IReadOnlyList<ContrastPair> pairs = ContrastPair.Load(TestFiles.Get("golden/vectors/happy-sad.json"));
        string[] happy = [.. pairs.Select(pair => pair.Positive)], sad = [.. pairs.Take(9).Select(pair => pair.Negative)];
        SteeringVector vector = TextLists.Probe(model, happy, sad, "happy");
        Probe last = Probe.Fit(StreamStates.Collect(model.Transformer, [.. happy.Concat(sad).Select(model.Prompts.Encode)]), happy.Length, 0)[4];
        last.HeldOut.IsAbove(32.0 / 41).ShouldBeTrue($"{last.HeldOut}");
        vector.Recipe.Notes["held-out accuracy, layer 4"].ShouldBe(last.HeldOut.ToString("0.000"));
        vector.Recipe.Notes["share of the longer list"].ShouldStartWith("0.780");
        vector.Recipe.Positive.Count.ShouldBe(32);
        vector.Recipe.Negative.Count.ShouldBe(9);

        // The same texts on both sides, in no order that means anything: nothing is to be told.
        string[] texts = [.. from name in new[] { "Lily", "Tom", "Sue", "Ben", "Mia", "Tim", "Sam", "Anna" } from place in new[] { "park", "house", "garden", "shop", "school", "street" } select $"{name} was in the {place}. {name} said"];
        new Random(3).Shuffle(texts);
        Probe none = Probe.Fit(StreamStates.Collect(model.Transformer, [.. texts.Select(model.Prompts.Encode)]), 20, 0)[3];
        none.HeldOut.IsAbove(28.0 / 48).ShouldBeFalse($"{none.HeldOut}");
        Should.Throw<ArgumentException>(() => TextLists.Probe(model, happy, sad[..4])).Message.ShouldContain("at least 5 texts of each kind, so that some can be held out; there are 32 and 4");
        Should.Throw<ArgumentException>(() => TextLists.MeanDifference(model, happy, [])).Message.ShouldContain("one kind only");
    }

    [Fact]
    public void Lists_of_texts_are_lines_or_JSON()
    {
        using TemporaryFolder folder = new();
        TextLists.Load(folder.Write("a.txt", "one\r\n\n two\nthree")).ShouldBe(["one", " two", "three"]);
        TextLists.Load(folder.Write("a.json", " [\"one\", \"two\\nlines\"]")).ShouldBe(["one", "two\nlines"]);
        void Refused(string text, string why) => Should.Throw<InvalidDataException>(() => TextLists.Load(folder.Write("b", text))).Message.ShouldContain(why);
        Refused("", "holds no texts");
        Refused("[]", "holds no texts");
        Refused("[\"a\", 3]", "entry 1 is no text but a Number");
        Refused("[\"a\", \" \"]", "has an empty text");
        Refused("[\"a\"", "It should be JSON, a list of strings, or plain text");
        byte[] good = [.. "[\"one\", \"two\"]"u8];
        for (int seed = 0; seed < 300; seed++)
        {
            File.WriteAllBytes(folder["m"], Mutations.Mutate(good, seed));
            try
            {
                TextLists.Load(folder["m"]);
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [Fact]
    public void Endings_are_cut_at_every_token()
    {
        using LoadedModel model = StoriesModel.Load();
        foreach (string ending in new[] { "I looked at the tree and", "The café was — 雨 — open", "Hello" })
            foreach (int without in new[] { 1, 3 })
            {
                int[] tokens = model.Prompts.EncodeText(ending);
                // The plain way: every beginning of the tokens that is whole text.
                string[] expected = [.. Enumerable.Range(1, Math.Max(0, tokens.Length - without)).Select(count => model.Prompts.Decode(tokens.AsSpan(0, count))).Where(text => text.Length > 0 && ending.StartsWith(text, StringComparison.Ordinal))];
                Personas.Truncations(model.Prompts, ending, without).ShouldBe(expected.Distinct());
            }

        IReadOnlyList<ContrastPair> all = Personas.Pairs("happy", "sad", truncations: (model.Prompts, 1)), whole = Personas.Pairs("happy", "sad");
        all.Count.ShouldBeGreaterThan(3 * whole.Count);
        foreach (ContrastPair pair in all)
        {
            pair.Positive.Replace("happy", "sad", StringComparison.Ordinal).ShouldBe(pair.Negative);
            whole.ShouldContain(one => one.Positive.StartsWith(pair.Positive, StringComparison.Ordinal) && one.Positive.Length > pair.Positive.Length);
        }
        Should.Throw<ArgumentException>(() => Personas.Pairs("happy", "sad", truncations: (model.Prompts, 99))).Message.ShouldContain("No ending has more than 99 tokens");
    }

    [Fact]
    public void Trajectories_are_the_principal_components_of_one_layer_applied_to_all()
    {
        using LoadedModel model = StoriesModel.Load();
        IReadOnlyList<ContrastPair> pairs = ContrastPair.Load(TestFiles.Get("golden/vectors/happy-sad.json"));
        StreamStates states = StreamStates.Collect(model.Transformer, PairVectors.Encode(model, pairs));
        StreamTrajectories trajectories = StreamTrajectories.Of(states, 2);
        trajectories.Points.Count.ShouldBe(64);
        trajectories.Points[0].Count.ShouldBe(5);
        trajectories.Points.Average(run => run[2].X).ShouldBe(0, 1e-4);
        trajectories.Points.Average(run => run[2].Y).ShouldBe(0, 1e-4);
        double x = trajectories.Points.Sum(run => run[2].X * run[2].X), y = trajectories.Points.Sum(run => run[2].Y * run[2].Y);
        x.ShouldBeGreaterThan(y);
        trajectories.Points.Sum(run => run[2].X * run[2].Y).ShouldBe(0, 1e-3 * x);
        (x / (x + y)).ShouldBe(trajectories.Explained[0] / (trajectories.Explained[0] + trajectories.Explained[1]), 1e-4);
        Should.Throw<ArgumentException>(() => StreamTrajectories.Of(states, 5)).Message.ShouldContain("There is no layer 5");
    }

    [Fact]
    public void Personas_are_paired_in_the_same_sentences()
    {
        IReadOnlyList<ContrastPair> pairs = Personas.Pairs("happy", "sad");
        pairs.Count.ShouldBeGreaterThan(20);
        foreach (ContrastPair pair in pairs) pair.Positive.Replace("happy", "sad", StringComparison.Ordinal).ShouldBe(pair.Negative);
        Should.Throw<ArgumentException>(() => Personas.Pairs("a", "a")).Message.ShouldContain("Both personas");
    }

    [Fact]
    public void The_latent_that_writes_a_direction_is_the_nearest()
    {
        using TranscoderSet set = StoriesModel.Transcoders();
        float[] row = new float[64];
        set.Layers[2].DecoderRow(99, 2, row);
        IReadOnlyList<NearLatent> nearest = NearestLatents.Best(set, 2, row, 3);
        nearest[0].Feature.ShouldBe(99);
        nearest[0].Decoder.ShouldBe(1, 1e-5f);
        Math.Abs(nearest[1].Decoder).ShouldBeLessThan(1);
    }
}
