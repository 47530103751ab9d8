namespace Microtome.Experiments;

/// <summary>A direction that tells two groups of states apart: logistic regression with a ridge, on standardised states.</summary>
internal static class LogisticProbe
{
    private const int Steps = 400;
    private const double Ridge = 0.05, Rate = 0.5;

    /// <param name="states">[rows][width]</param>
    /// <param name="isPositive">For each row.</param>
    /// <returns>The direction towards positives [width], in the states' own units.</returns>
    public static float[] Fit(IReadOnlyList<float[]> states, IReadOnlyList<bool> isPositive)
    {
        int width = states[0].Length;
        double[] mean = new double[width], deviation = new double[width];
        foreach (float[] state in states)
            for (int i = 0; i < width; i++) mean[i] += state[i] / (double)states.Count;
        foreach (float[] state in states)
            for (int i = 0; i < width; i++) deviation[i] += (state[i] - mean[i]) * (state[i] - mean[i]) / states.Count;
        for (int i = 0; i < width; i++) deviation[i] = Math.Sqrt(deviation[i]) + 1e-6;
        // Scaled to unit length on average, so that one rate serves all widths.
        double scale = 1 / Math.Sqrt(width);
        double[][] x = [.. states.Select(state => Enumerable.Range(0, width).Select(i => (state[i] - mean[i]) / deviation[i] * scale).ToArray())];
        double[] weights = new double[width];
        double bias = 0;
        for (int step = 0; step < Steps; step++)
        {
            double[] gradient = new double[width];
            double biasGradient = 0;
            for (int row = 0; row < x.Length; row++)
            {
                double value = bias;
                for (int i = 0; i < width; i++) value += weights[i] * x[row][i];
                double error = Descriptive.Logistic(value) - (isPositive[row] ? 1 : 0);
                for (int i = 0; i < width; i++) gradient[i] += error * x[row][i] / x.Length;
                biasGradient += error / x.Length;
            }
            for (int i = 0; i < width; i++) weights[i] -= Rate * (gradient[i] + Ridge * weights[i] / x.Length);
            bias -= Rate * biasGradient;
        }
        return [.. weights.Select((weight, i) => (float)(weight / deviation[i]))];
    }
}
