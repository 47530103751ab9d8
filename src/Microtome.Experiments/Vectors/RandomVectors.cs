namespace Microtome.Experiments;

/// <summary>Vectors that mean nothing: placebos for experiments with others.</summary>
public static class RandomVectors
{
    /// <summary>One direction, uniform on the sphere, for every layer alike.</summary>
    /// <param name="norms">By layer, the direction's length there.</param>
    public static SteeringVector Make(int width, IEnumerable<KeyValuePair<int, float>> norms, int seed)
    {
        double[] direction = Direction(width, seed);
        return new SteeringVector(
            norms.Select(pair => KeyValuePair.Create(pair.Key, Array.ConvertAll(direction, value => (float)(value * pair.Value)))),
            new VectorRecipe { Method = "random", Seed = seed, Version = MicrotomeVersion.Text });
    }

    /// <summary>A random direction with the lengths that another vector has at its layers.</summary>
    public static SteeringVector Like(SteeringVector other, int seed)
    {
        SteeringVector random = Make(other.Width, other.Directions.Select(pair => KeyValuePair.Create(pair.Key, SteeringVector.Norm(pair.Value))), seed);
        return random.With(random.Recipe with { Model = other.Recipe.Model, Family = other.Recipe.Family, Concept = other.Recipe.Concept.Length > 0 ? $"as long as {other.Recipe.Concept}" : "" });
    }

    /// <summary>A unit vector: independent normal numbers, scaled.</summary>
    private static double[] Direction(int width, int seed)
    {
        Random random = new(seed);
        double[] direction = new double[width];
        double squares = 0;
        for (int i = 0; i < width; i++)
        {
            // Box and Muller's transform of two uniform numbers.
            direction[i] = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            squares += direction[i] * direction[i];
        }
        return Array.ConvertAll(direction, value => value / Math.Sqrt(squares));
    }
}
