using System.CommandLine;
using System.CommandLine.Parsing;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>--steer</c>, which several commands share.</summary>
internal static class SteerOption
{
    public static Option<string[]> Create()
    {
        Option<string[]> steer = new("--steer")
        {
            Description = "Steer the model: WHAT@LAYERS:STRENGTH[@POSITIONS]. WHAT is a vector's file, latent:LAYER:FEATURE of transcoders, FOLDER#LATENT of an autoencoder, or random:SEED; LAYERS 2, 2-5, 2,4 or all; STRENGTH 4 (times the vector), 4u (units long), 20% (of the stream), ablate, or for a latent =VALUE or *FACTOR; POSITIONS all, 3-, 7 or 2-9, without which all but the first. May be given again.",
            HelpName = "WHAT@L:S",
            AllowMultipleArgumentsPerToken = true,
        };
        steer.Validators.Add(result =>
        {
            foreach (Token token in result.Tokens)
            {
                try
                {
                    SteeringRequest.Parse(token.Value);
                }
                catch (ArgumentException exception)
                {
                    result.AddError(exception.Message);
                }
            }
        });
        return steer;
    }

    public static IReadOnlyList<SteeringRequest> Requests(this ParseResult result, Option<string[]> steer) => [.. (result.GetValue(steer) ?? []).Select(SteeringRequest.Parse)];

    /// <summary>Whether a dictionary must be loaded.</summary>
    public static bool NeedDictionary(this IReadOnlyList<SteeringRequest> requests) => requests.Any(request => request.Latent is not null);

    /// <summary>Null where nothing is asked for.</summary>
    public static Steering? Resolve(this IReadOnlyList<SteeringRequest> requests, SteeringResolver resolver) => requests.Count == 0 ? null : resolver.Resolve(requests);

    /// <summary>Says on standard error where additions are so large that a model usually stops making sense.</summary>
    public static void WarnIfLarge(this SteeringMeasure measure)
    {
        if (!(measure.LargestShare > SteeringMeasure.Large)) return;
        if (!double.IsFinite(measure.LargestShare))
        {
            Console.Error.WriteLine($"warning: what is added after layer {measure.Layer} is longer than numbers go; what follows means nothing. Steer less strongly.");
            return;
        }
        Console.Error.WriteLine($"warning: what is added is {TextFormat.Percent(measure.LargestShare)} as long as the stream after layer {measure.Layer} at position {measure.Position}; above {SteeringMeasure.Large:0%} models usually stop making sense.");
    }

    /// <summary>Says on standard error which positions a text that has ended never reached.</summary>
    /// <param name="tokens">How many tokens it has, those generated included.</param>
    public static void WarnIfUnreached(this IReadOnlyList<SteeringRequest> requests, int tokens)
    {
        foreach (SteeringRequest request in requests)
            if (request.Positions.First >= tokens) Console.Error.WriteLine($"warning: the positions {request.Positions} of {request.What} were never reached: the text has positions 0 to {tokens - 1}.");
    }
}
