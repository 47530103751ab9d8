namespace Microtome.Experiments;

/// <summary>A layer and a strength.</summary>
internal readonly record struct InjectionCondition(int Layer, double Strength);

/// <summary>
/// How much injections change the log-odds of yes: for every vector, layer, strength and role of question, the mean over the role's questions of what they are with
/// the injection less what they are without; NaN where the model is broken or was not asked.
/// </summary>
internal sealed class ShiftTable
{
    public const string QuestionFactor = "question", RoleFactor = "role", VectorFactor = "vector", KindFactor = "kind", LayerFactor = "layer", StrengthFactor = "strength";

    private readonly Dictionary<(string, InjectionCondition, QuestionRole), (double Shift, double LogOdds)> _means = [];

    private ShiftTable(IReadOnlyList<string> concepts, IReadOnlyList<string> placebos, IReadOnlyList<InjectionCondition> conditions)
    {
        Concepts = concepts;
        Placebos = placebos;
        Conditions = conditions;
    }

    public IReadOnlyList<string> Concepts { get; }

    public IReadOnlyList<string> Placebos { get; }

    public IReadOnlyList<InjectionCondition> Conditions { get; }

    /// <summary>Cells in which the model is broken.</summary>
    public int Broken { get; private set; }

    /// <summary>All cells with an injection.</summary>
    public int Cells { get; private set; }

    /// <summary>The log-odds of yes without injection, a mean over each role's questions.</summary>
    public IReadOnlyDictionary<QuestionRole, double> Baseline { get; private init; } = new Dictionary<QuestionRole, double>();

    /// <summary>From rows with the factors above and the measures yes and no; the rows without injection have the kind none.</summary>
    public static ShiftTable From(IReadOnlyList<SweepRow> rows)
    {
        Dictionary<string, double> baseline = [];
        foreach (SweepRow row in rows.Where(row => row.Text(KindFactor) == InjectedVector.NoKind)) baseline[row.Text(QuestionFactor)] = LogOdds(row);
        SweepRow[] injected = [.. rows.Where(row => row.Text(KindFactor) != InjectedVector.NoKind)];
        string[] Names(string kind) => [.. injected.Where(row => row.Text(KindFactor) == kind).Select(row => row.Text(VectorFactor)).Distinct()];
        InjectionCondition[] conditions = [.. injected.Select(Condition).Distinct().OrderBy(condition => condition.Layer).ThenBy(condition => condition.Strength)];
        ShiftTable table = new(Names(InjectedVector.ConceptKind), Names(InjectedVector.PlaceboKind), conditions)
        {
            Cells = injected.Length,
            Broken = injected.Count(row => !row.IsFine),
            Baseline = rows.Where(row => row.Text(KindFactor) == InjectedVector.NoKind).GroupBy(Role).ToDictionary(group => group.Key, group => group.Average(LogOdds)),
        };
        foreach (var group in injected.GroupBy(row => (row.Text(VectorFactor), Condition(row), Role(row))))
            table._means[group.Key] = (Descriptive.Mean([.. group.Select(row => LogOdds(row) - baseline[row.Text(QuestionFactor)])]), Descriptive.Mean([.. group.Select(LogOdds)]));
        return table;
    }

    /// <summary>The change of the log-odds of yes.</summary>
    public double Shift(string vector, InjectionCondition condition, QuestionRole role) => _means.TryGetValue((vector, condition, role), out var means) ? means.Shift : double.NaN;

    /// <summary>The log-odds of yes under the injection.</summary>
    public double LogOdds(string vector, InjectionCondition condition, QuestionRole role) => _means.TryGetValue((vector, condition, role), out var means) ? means.LogOdds : double.NaN;

    /// <summary>The bias towards yes: the mean of the shifts of control questions that are true and that are false, so that answers which merely become less certain cancel.</summary>
    public double Bias(string vector, InjectionCondition condition) => (Shift(vector, condition, QuestionRole.True) + Shift(vector, condition, QuestionRole.False)) / 2;

    /// <summary>
    /// The separation at equal bias: the introspective question's shift less that of the control questions whose answer without injection is no as well, under the very same
    /// injection. A push towards yes, or towards uncertainty, moves both.
    /// </summary>
    public double Separation(string vector, InjectionCondition condition) => Shift(vector, condition, QuestionRole.Introspective) - Shift(vector, condition, QuestionRole.False);

    /// <summary>The log-odds of yes of a cell; NaN where the model is broken.</summary>
    public static double LogOdds(SweepRow row) => row.IsFine ? row["yes"] - row["no"] : double.NaN;

    private static InjectionCondition Condition(SweepRow row) => new(row.Integer(LayerFactor), row.Number(StrengthFactor));

    private static QuestionRole Role(SweepRow row) => Enum.GetValues<QuestionRole>().Single(role => role.Name() == row.Text(RoleFactor));
}
