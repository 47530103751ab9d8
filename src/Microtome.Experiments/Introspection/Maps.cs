namespace Microtome.Experiments;

/// <summary>Figures over layers and strengths.</summary>
internal static class Maps
{
    public static Axis StrengthAxis(ExperimentSettings settings) => new(UnitText(settings)) { IsLogarithmic = settings.Strengths.Count > 2 };

    public static string UnitText(ExperimentSettings settings) => settings.Unit switch
    {
        SteeringUnit.Share => "strength (length of what is added over the stream's)",
        SteeringUnit.Length => "strength (length of what is added)",
        _ => "strength (times the vector)",
    };

    /// <summary>Adds a map of a value by layer and strength.</summary>
    public static void Add(ExperimentOutcome outcome, ExperimentContext context, string name, string title, string description, IReadOnlyList<InjectionCondition> conditions, Func<InjectionCondition, double> value, string meaning, ColorScale scale = ColorScale.Diverging)
    {
        int[] layers = [.. conditions.Select(at => at.Layer).Distinct().Order()];
        double[] strengths = [.. conditions.Select(at => at.Strength).Distinct().Order()];
        double[,] map = new double[layers.Length, strengths.Length];
        for (int row = 0; row < layers.Length; row++)
            for (int column = 0; column < strengths.Length; column++) map[row, column] = value(new(layers[row], strengths[column]));
        outcome.Figure(name, new HeatMap(title, description, new Axis(UnitText(context.Settings)) { Categories = [.. strengths.Select(TextNumber.Of)] }, new Axis("layer") { Categories = [.. layers.Select(layer => $"{layer}")] }, map, meaning)
        {
            Scale = scale,
            Height = Math.Clamp(140 + 26 * layers.Length, 240, 900),
        });
    }
}
