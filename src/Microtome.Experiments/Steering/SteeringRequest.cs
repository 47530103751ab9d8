using System.Globalization;
using System.Text.RegularExpressions;

namespace Microtome.Experiments;

/// <summary>What is done with a vector or latent.</summary>
public enum SteeringOperation
{
    /// <summary>Added to the stream after each layer.</summary>
    Add,

    /// <summary>A latent gets a given activation.</summary>
    Clamp,

    /// <summary>A latent's activation is multiplied.</summary>
    Scale,

    /// <summary>A direction is taken out of every write to the stream.</summary>
    Ablate,
}

/// <summary>
/// One steering as people write it: <c>WHAT@LAYERS:HOW[@POSITIONS]</c>. WHAT is a vector's file (<c>FILE#2</c>: its direction of layer 2, for
/// all layers), <c>latent:LAYER:FEATURE</c> of transcoders, <c>FOLDER#LATENT</c> of an autoencoder, or <c>random:SEED</c>; LAYERS <c>2</c>, <c>2-5</c>, <c>2,4</c> or <c>all</c>; HOW a strength (<c>4</c> times
/// the vector, <c>4u</c> units long, <c>20%</c> of the stream's length), <c>=V</c> or <c>*F</c> for a latent, or <c>ablate</c>; POSITIONS <c>all</c>,
/// <c>3-</c>, <c>7</c> or <c>2-9</c>, and without them all but the first.
/// </summary>
/// <param name="Part">The number after <c>#</c>: a vector's layer, or an autoencoder's latent.</param>
/// <param name="Layers">Ascending; null for all.</param>
public sealed partial record SteeringRequest(string What, int? Part, IReadOnlyList<int>? Layers, SteeringOperation Operation, float Value, SteeringUnit Unit, PositionRange Positions)
{
    private const int MostLayers = 4096;

    /// <summary>What the syntax is, for messages.</summary>
    public const string Syntax = "WHAT@LAYERS:STRENGTH[@POSITIONS], such as happy.safetensors@2:4 or latent:3:300@3:=5@2-";

    /// <summary>The latent of <c>latent:LAYER:FEATURE</c>; null for other things.</summary>
    public (int Layer, int Feature)? Latent =>
        LatentPattern().Match(What) is { Success: true } match && Number(match.Groups[1].Value) is { } layer && Number(match.Groups[2].Value) is { } feature ? (layer, feature) : null;

    /// <summary>The seed of <c>random:SEED</c>; null for other things.</summary>
    public int? RandomSeed => RandomPattern().Match(What) is { Success: true } match ? Number(match.Groups[1].Value) : null;

    /// <exception cref="ArgumentException">The text is no steering; the message says what about it is wrong.</exception>
    public static SteeringRequest Parse(string text)
    {
        Match match = Pattern().Match(text);
        if (!match.Success) throw new ArgumentException($"'{text}' is not {Syntax}.");
        string what = match.Groups["what"].Value;
        int? part = null;
        if (match.Groups["part"] is { Success: true } partGroup) part = Number(partGroup.Value) ?? throw new ArgumentException($"'{text}': there is no layer or latent {partGroup.Value}.");
        IReadOnlyList<int>? layers = ParseLayers(match.Groups["layers"].Value) ?? throw new ArgumentException($"'{text}': the layers '{match.Groups["layers"].Value}' are not 2, 2-5, 2,4 or all.");
        if (layers.Count == 0) layers = null;
        if (ParseHow(match.Groups["how"].Value) is not { } how)
            throw new ArgumentException($"'{text}': '{match.Groups["how"].Value}' is not a strength (4, 4u, 20%), =VALUE or *FACTOR for a latent, or ablate.");
        PositionRange positions = PositionRange.AllButFirst;
        if (match.Groups["positions"] is { Success: true } given && !PositionRange.TryParse(given.Value, out positions))
            throw new ArgumentException($"'{text}': the positions '{given.Value}' are not all, 3- (3 and all after it), 7 or 2-9.");
        SteeringRequest request = new(what, part, layers, how.Operation, how.Value, how.Unit, positions);
        if (what.StartsWith("latent:", StringComparison.Ordinal) && request.Latent is null) throw new ArgumentException($"'{text}': '{what}' is not latent:LAYER:FEATURE, such as latent:3:300.");
        if (what.StartsWith("random:", StringComparison.Ordinal) && request.RandomSeed is null) throw new ArgumentException($"'{text}': '{what}' is not random:SEED, such as random:7.");
        if (request.Operation is SteeringOperation.Clamp or SteeringOperation.Scale)
        {
            if (request.Latent is null && part is null) throw new ArgumentException($"'{text}': only a latent (latent:LAYER:FEATURE, or FOLDER#LATENT of an autoencoder) can be set or scaled; a vector is added.");
            if (request.Latent is { } latent && (layers is not [var only] || only != latent.Layer)) throw new ArgumentException($"'{text}': the latent {latent.Layer}:{latent.Feature} is set at its own layer; write @{latent.Layer}.");
        }
        return request;
    }

    /// <summary>Layers as people write them; an empty list for all, null where the text is none.</summary>
    public static IReadOnlyList<int>? ParseLayers(string text)
    {
        if (text == "all") return [];
        SortedSet<int> layers = [];
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || Number(ends[0]) is not { } first || Number(ends[^1]) is not { } last || last < first || last >= MostLayers) return null;
            for (int layer = first; layer <= last; layer++) layers.Add(layer);
        }
        return [.. layers];
    }

    private static (SteeringOperation Operation, float Value, SteeringUnit Unit)? ParseHow(string how)
    {
        if (how == "ablate") return (SteeringOperation.Ablate, 0, SteeringUnit.Vector);
        (SteeringOperation operation, string number) = how[0] switch { '=' => (SteeringOperation.Clamp, how[1..]), '*' => (SteeringOperation.Scale, how[1..]), _ => (SteeringOperation.Add, how) };
        SteeringUnit unit = SteeringUnit.Vector;
        float scale = 1;
        if (operation == SteeringOperation.Add && number[^1] is 'u' or '%')
        {
            (unit, scale) = number[^1] == 'u' ? (SteeringUnit.Length, 1) : (SteeringUnit.Share, 100);
            number = number[..^1];
        }
        return float.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value) ? (operation, value / scale, unit) : null;
    }

    private static int? Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;

    [GeneratedRegex(@"\A(?<what>.+?)(?:#(?<part>\d+))?@(?<layers>[^@:]+):(?<how>[^@:]+)(?:@(?<positions>[^@:]+))?\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();

    [GeneratedRegex(@"\Alatent:(\d+):(\d+)\z")]
    private static partial Regex LatentPattern();

    [GeneratedRegex(@"\Arandom:(\d+)\z")]
    private static partial Regex RandomPattern();
}
