namespace Microtome.Dictionaries;

/// <summary>Cantor's pairing of layer and feature, by which the interchange format numbers features.</summary>
public static class CantorPair
{
    /// <summary>The number of a pair.</summary>
    public static long Of(int layer, int feature)
    {
        long sum = (long)layer + feature;
        return sum * (sum + 1) / 2 + feature;
    }

    /// <summary>The pair of a number; false where one of the two exceeds an <see cref="int"/>.</summary>
    public static bool TryInvert(long number, out int layer, out int feature)
    {
        (layer, feature) = (0, 0);
        if (number < 0 || number > long.MaxValue / 16) return false;
        long sum = (long)((Math.Sqrt(8.0 * number + 1) - 1) / 2);
        while (sum * (sum + 1) / 2 > number) sum--;
        while ((sum + 1) * (sum + 2) / 2 <= number) sum++;
        long second = number - sum * (sum + 1) / 2, first = sum - second;
        if (first > int.MaxValue || second > int.MaxValue) return false;
        (layer, feature) = ((int)first, (int)second);
        return true;
    }
}
