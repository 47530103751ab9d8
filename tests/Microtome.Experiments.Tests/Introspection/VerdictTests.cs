namespace Microtome.Experiments.Tests.Introspection;

/// <summary>When an experiment may say that it found something.</summary>
public class VerdictTests
{
    private static readonly Interval Rise = new(1, 0.5, 1.5), Fall = new(-1, -1.5, -0.5), Unclear = new(0.1, -0.5, 0.7);

    [Fact]
    public void Carriers_are_confirmed_where_a_report_is_smaller_without_them_and_gates_where_it_is_larger()
    {
        new[] { Rise, Fall, Unclear }.Select(difference => CarriersAndGatesExperiment.Confirms("carriers", difference)).ShouldBe([false, true, false]);
        new[] { Rise, Fall, Unclear }.Select(difference => CarriersAndGatesExperiment.Confirms("gates", difference)).ShouldBe([true, false, false]);
    }

    [Fact]
    public void Nothing_is_confirmed_where_injection_does_not_move_the_answer_towards_yes()
    {
        CarriersAndGatesExperiment.VerdictOf(3, Fall, true).ShouldBe("There is no report to explain");
        CarriersAndGatesExperiment.VerdictOf(3, Unclear, true).ShouldBe("There is no report to explain");
        CarriersAndGatesExperiment.VerdictOf(3, Interval.Unknown, true).ShouldBe("There is no report to explain");
        CarriersAndGatesExperiment.VerdictOf(3, Rise, true).ShouldBe("Found and confirmed");
        CarriersAndGatesExperiment.VerdictOf(3, Rise, false).ShouldBe("Found, not confirmed");
        CarriersAndGatesExperiment.VerdictOf(0, Rise, false).ShouldBe("None found");
    }

    [Fact]
    public void A_sentence_is_found_only_above_chance_above_random_vectors_and_in_several_draws()
    {
        Interval above = new(0.4, 0.3, 0.5), below = new(0.25, 0.1, 0.4);
        WhichSentenceExperiment.VerdictOf(above, Rise, 0.2, true, 3).ShouldBe("It finds the sentence");
        WhichSentenceExperiment.VerdictOf(above, Rise, 0.2, true, 2).ShouldContain("too few draws");
        WhichSentenceExperiment.VerdictOf(above, Unclear, 0.2, true, 3).ShouldContain("not shown to be above random vectors");
        WhichSentenceExperiment.VerdictOf(above, Interval.Unknown, 0.2, false, 3).ShouldContain("not shown to be above random vectors");
        WhichSentenceExperiment.VerdictOf(below, Rise, 0.2, true, 3).ShouldBe("It is not shown to find the sentence");
        WhichSentenceExperiment.VerdictOf(Interval.Unknown, Rise, 0.2, true, 3).ShouldBe("Unknown");
    }

    [Fact]
    public void A_model_knows_names_only_if_their_number_of_tokens_does_not_tell_as_much()
    {
        KnownNamesExperiment.VerdictOf(true, false, true).ShouldBe("It knows, and says what it is steered to");
        KnownNamesExperiment.VerdictOf(true, false, false).ShouldBe("It knows, and steering is not shown to turn its answer");
        KnownNamesExperiment.VerdictOf(true, true, true).ShouldStartWith("Names are told apart, but perhaps by their number of tokens");
        KnownNamesExperiment.VerdictOf(false, true, false).ShouldBe("It is not shown to know, and steering is not shown to turn its answer");
    }

    [Fact]
    public void Concepts_whose_vectors_point_the_same_way_are_named()
    {
        InjectedVector Vector(string name, bool isPlacebo, params float[] direction) => new(name, isPlacebo, new SteeringVector([KeyValuePair.Create(2, direction)]));
        InjectedVector[] apart = [Vector("sea", false, 1, 0, 0), Vector("fire", false, 0, 1, 0), Vector("dog", false, 0, -1, 0.1f), Vector("random 0", true, 1, 0, 0)];
        InjectedVector.Alike(apart, 2).ShouldBeNull();
        string text = InjectedVector.Alike([.. apart, Vector("snow", false, 2, 0.1f, 0)], 2)!;
        text.ShouldContain("sea and snow (1.00), 1 of 6 pairs");
        text.ShouldNotContain("random");
    }

    [Fact]
    public void Trials_without_an_answer_do_not_hide_the_others()
    {
        double none = double.NaN;
        WhichSentenceExperiment.ShareRight(new[,] { { 1, none }, { none, 0 }, { 1, 1 } }, [0, 1, 2]).ShouldBe(0.75);
        WhichSentenceExperiment.ShareRight(new[,] { { 1, 1 }, { none, 0 } }, [1, 1]).ShouldBe(none);
        // A liking for the first place is right by chance, although only trials of that place have answers thrice.
        WhichSentenceExperiment.ShareRight(new[,] { { 1, 0 }, { 1, none }, { 1, none } }, [0, 1, 2]).ShouldBe(0.5);
    }
}
