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
