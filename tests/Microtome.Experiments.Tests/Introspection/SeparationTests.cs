namespace Microtome.Experiments.Tests.Introspection;

/// <summary>Whether made-up models of known kinds are called what they are.</summary>
public class SeparationTests
{
    private static readonly SweepTable Table = new("cells", [ShiftTable.QuestionFactor, ShiftTable.RoleFactor, ShiftTable.VectorFactor, ShiftTable.KindFactor, ShiftTable.LayerFactor, ShiftTable.StrengthFactor], ["yes", "no"]);

    /// <summary>Rows of a model whose log-odds of yes shift as a function says.</summary>
    private static List<SweepRow> Rows(Func<QuestionRole, string, string, int, double, Random, double> shift, int concepts = 12, int placebos = 12, int seed = 1)
    {
        Random random = new(seed);
        List<SweepRow> rows = [];
        void Add(QuestionRole role, string vector, string kind, int layer, double strength, double logOdds) =>
            rows.Add(new SweepRow(Table, Table.Cell(0, role.Name() + "?", role.Name(), vector, kind, layer, strength), new CellResult([logOdds, 0], double.IsNaN(logOdds) ? AnswerReading.NotANumber : CellResult.Fine)));
        foreach (QuestionRole role in Enum.GetValues<QuestionRole>())
        {
            double baseline = role == QuestionRole.True ? 4 : -4;
            Add(role, "", InjectedVector.NoKind, -1, 0, baseline);
            foreach ((string kind, int count) in new[] { (InjectedVector.ConceptKind, concepts), (InjectedVector.PlaceboKind, placebos) })
                for (int i = 0; i < count; i++)
                    foreach (int layer in new[] { 0, 1, 2 })
                        foreach (double strength in new[] { 1.0, 2.0, 4.0 })
                            Add(role, $"{kind} {i}", kind, layer, strength, baseline + shift(role, $"{kind} {i}", kind, layer, strength, random));
        }
        return rows;
    }

    private static double Noise(Random random, double deviation) => deviation * NormalDistribution.Quantile(1 - random.NextDouble());

    private static Separation Measure(List<SweepRow> rows, int seed = 0) => Separation.Measure(ShiftTable.From(rows), seed, 500);

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3)]
    public void A_model_that_reports_concepts_at_one_layer_is_introspective(int seed)
    {
        Separation separation = Measure(Rows((role, _, kind, layer, strength, random) => Noise(random, 0.5) + (role == QuestionRole.Introspective && kind == "concept" && layer == 1 ? 2 * strength : 0), seed: seed));
        separation.Verdict.ShouldBe(IntrospectionVerdict.Introspective);
        separation.Chosen.ShouldAllBe(at => at.Layer == 1);
        separation.AtEqualBias.IsAbove(0).ShouldBeTrue();
        separation.Test.Probability.ShouldBeLessThan(0.01);
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3)]
    public void A_model_that_says_yes_to_anything_is_biased(int seed) =>
        Measure(Rows((_, _, _, _, strength, random) => Noise(random, 0.5) + 3 * strength, seed: seed)).Verdict.ShouldBe(IntrospectionVerdict.Biased);

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3)]
    public void Noise_is_neither(int seed)
    {
        Separation separation = Measure(Rows((_, _, _, _, strength, random) => Noise(random, strength), seed: seed));
        separation.Verdict.ShouldBe(IntrospectionVerdict.Neither);
        separation.AtEqualBias.Contains(0).ShouldBeTrue();
    }

    [Fact]
    public void Answers_that_only_become_less_certain_are_neither() =>
        Measure(Rows((role, _, _, _, strength, random) => Noise(random, 0.3) + (role == QuestionRole.True ? -1 : 1) * strength)).Verdict.ShouldBe(IntrospectionVerdict.Neither);

    [Fact]
    public void Reports_of_any_vector_are_not_introspection() =>
        Measure(Rows((role, _, _, _, strength, random) => Noise(random, 0.5) + (role == QuestionRole.Introspective ? 2 * strength : 0))).Verdict.ShouldNotBe(IntrospectionVerdict.Introspective);

    [Fact]
    public void Broken_cells_are_left_out()
    {
        List<SweepRow> rows = Rows((role, _, kind, layer, strength, random) => strength == 4 ? double.NaN : Noise(random, 0.5) + (role == QuestionRole.Introspective && kind == "concept" ? 3 : 0));
        ShiftTable shifts = ShiftTable.From(rows);
        shifts.Broken.ShouldBe(shifts.Cells / 3);
        Separation separation = Separation.Measure(shifts, 0, 500);
        separation.Verdict.ShouldBe(IntrospectionVerdict.Introspective);
        separation.Chosen.ShouldAllBe(at => at.Strength < 4);
    }

    [Fact]
    public void Nothing_but_broken_cells_is_unknown()
    {
        Separation separation = Measure(Rows((_, _, _, _, _, _) => double.NaN));
        separation.Verdict.ShouldBe(IntrospectionVerdict.Unknown);
        Measure(Rows((_, _, _, _, _, random) => Noise(random, 1), placebos: 0)).Verdict.ShouldBe(IntrospectionVerdict.Unknown);
    }

    [Fact]
    public void Equal_seeds_give_equal_results()
    {
        List<SweepRow> rows = Rows((_, _, _, _, strength, random) => Noise(random, strength));
        Measure(rows, 3).Concepts.ShouldBe(Measure(rows, 3).Concepts);
    }
}
