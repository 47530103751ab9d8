namespace Microtome.Models;

/// <summary>Inverse frequencies from a configuration's rotary parameters, in either spelling.</summary>
internal static class RotaryScaling
{
    /// <param name="parameters">The object that holds <c>rope_type</c> (or <c>type</c>) and its options; null for no scaling.</param>
    /// <param name="theta">The base: the longest wavelength is nearly 2π times it.</param>
    /// <param name="width">The number of dimensions that rotate.</param>
    public static RotarySpecification Rotary(ConfigurationElement configuration, ConfigurationElement? parameters, double theta, int width, int contextLength)
    {
        double[] frequencies = new double[(width + 1) / 2]; // an odd width rotates one dimension more
        for (int i = 0; i < frequencies.Length; i++) frequencies[i] = 1 / (double)(float)Math.Pow(theta, 2f * i / width); // float32 exponents and powers, as the reference computes them
        string kind = parameters?.String("rope_type") ?? parameters?.String("type") ?? "default";
        double magnitude = 1;
        switch (kind)
        {
            case "default":
                break;
            case "linear":
                double divisor = parameters!.Positive("factor");
                for (int i = 0; i < frequencies.Length; i++) frequencies[i] /= divisor;
                break;
            case "llama3":
                ScaleLlama3(frequencies, parameters!);
                break;
            case "yarn":
                magnitude = ScaleYarn(frequencies, parameters!, theta, width, contextLength);
                break;
            case "dynamic":
                break; // changes only sequences longer than the context, which are refused
            default:
                throw new InvalidDataException($"{parameters!.Path}: rope_type '{kind}' is not supported; known are default, linear, dynamic, llama3 and yarn.");
        }
        float[] rounded = Array.ConvertAll(frequencies, f => (float)f);
        if (!rounded.All(f => f >= 0 && float.IsFinite(f)) || !float.IsFinite((float)magnitude))
            throw new InvalidDataException($"{(parameters ?? configuration).Path}: a rotary base of {theta} and '{kind}' scaling do not give finite frequencies.");
        return new RotarySpecification(rounded, (float)magnitude);
    }

    /// <summary>Llama 3.1's: long wavelengths are stretched, short ones kept, those between blended.</summary>
    private static void ScaleLlama3(double[] frequencies, ConfigurationElement parameters)
    {
        double factor = parameters.Positive("factor");
        double low = parameters.Positive("low_freq_factor"), high = parameters.Positive("high_freq_factor");
        double original = parameters.Positive("original_max_position_embeddings");
        for (int i = 0; i < frequencies.Length; i++)
        {
            double wavelength = 2 * Math.PI / frequencies[i];
            if (wavelength < original / high) continue;
            double stretched = frequencies[i] / factor;
            double blend = wavelength > original / low ? 0 : (original / wavelength - low) / (high - low);
            frequencies[i] = (1 - blend) * stretched + blend * frequencies[i];
        }
    }

    /// <summary>YaRN (Peng et al. 2023, arXiv 2309.00071, sections 3.2 to 3.4).</summary>
    private static double ScaleYarn(double[] frequencies, ConfigurationElement parameters, double theta, int width, int contextLength)
    {
        double original = parameters.Positive("original_max_position_embeddings", contextLength);
        double factor = parameters.Positive("factor", contextLength / original);
        double fast = parameters.Positive("beta_fast", 32), slow = parameters.Positive("beta_slow", 1);
        bool truncate = parameters.OptionalBool("truncate") ?? true;

        double DimensionOf(double rotations) => width * Math.Log(original / (rotations * 2 * Math.PI)) / (2 * Math.Log(theta));
        double low = DimensionOf(fast), high = DimensionOf(slow);
        if (truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, width - 1));
        if (low == high) high += 0.001;
        for (int i = 0; i < frequencies.Length; i++)
        {
            double interpolated = Math.Clamp((i - low) / (high - low), 0, 1);
            frequencies[i] = frequencies[i] / factor * interpolated + frequencies[i] * (1 - interpolated);
        }

        if (parameters.OptionalDouble("attention_factor") is { } given) return given;
        static double Magnitude(double scale, double coefficient) => scale <= 1 ? 1 : 0.1 * coefficient * Math.Log(scale) + 1;
        double? all = parameters.OptionalDouble("mscale_all_dim"), one = parameters.OptionalDouble("mscale");
        return all is > 0 && one is > 0 ? Magnitude(factor, one.Value) / Magnitude(factor, all.Value) : Magnitude(factor, 1);
    }
}
