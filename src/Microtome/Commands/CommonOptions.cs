using System.CommandLine;
using Microtome.Numerics;

namespace Microtome.Commands;

/// <summary>Options that several commands share.</summary>
internal static class CommonOptions
{
    public static Option<string?> Model() => new("--model", "-m")
    {
        Description = "A checkpoint's folder, or owner/name[@revision] on the Hugging Face Hub. Without it, the small model that comes with Microtome.",
        HelpName = "DIR|owner/name",
    };

    public static Option<string?> Transcoders() => new("--transcoders", "-t")
    {
        Description = "A folder of transcoders with its config.yaml, or owner/name[@revision]. Without it, those that come with the small model.",
        HelpName = "DIR|owner/name",
    };

    public static Option<string?> Prompt(bool required = false) => new("--prompt", "-p")
    {
        Description = "The text. For a checkpoint without a tokenizer: token ids.",
        HelpName = "TEXT",
        Required = required,
    };

    public static Option<bool> Json() => new("--json") { Description = "Print JSON records, one a line." };

    public static Option<int?> Threads()
    {
        Option<int?> threads = new("--threads") { Description = "How many threads work at once; all processors unless given. The results do not depend on it.", HelpName = "N" };
        threads.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && (!int.TryParse(result.Tokens[0].Value, out int value) || value is < 1 or > 1024)) result.AddError("--threads must be from 1 to 1024.");
        });
        return threads;
    }

    public static Option<string?> Precision()
    {
        Option<string?> precision = new("--precision") { Description = "exact keeps float32's precision; bf16 lets a matrix unit, where there is one, round to bfloat16 and be faster still.", HelpName = "exact|bf16" };
        precision.AcceptOnlyFromAmong("exact", "bf16");
        return precision;
    }

    public static void UsePrecision(this ParseResult result, Option<string?> precision) =>
        MatrixProduct.Precision = result.GetValue(precision) == "bf16" ? Numerics.Precision.BFloat16 : Numerics.Precision.Exact;

    public static Option<string?> Memory()
    {
        Option<string?> memory = new("--memory") { Description = "Hold at most about this much memory, such as 8GB; weights larger than that are read from their files again and again.", HelpName = "SIZE" };
        memory.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !MemorySize.TryParse(result.Tokens[0].Value, out _)) result.AddError($"--memory '{result.Tokens[0].Value}' is not a size such as 8GB or 512MB.");
        });
        return memory;
    }

    /// <summary>Takes the bound on memory that the command line gives.</summary>
    public static void UseMemory(this ParseResult result, Option<string?> memory)
    {
        if (result.GetValue(memory) is { } size && MemorySize.TryParse(size, out long bytes)) ResidentMemory.Limit = bytes;
    }

    /// <summary>Only values from 0 to 1.</summary>
    public static void Share(Option<double> option) => Check(option, value => value is >= 0 and <= 1, "must be from 0 to 1.");

    /// <summary>Only values above 0 and at most 1.</summary>
    public static void Probability(Option<double> option) => Check(option, value => value is > 0 and <= 1, "must be above 0 and at most 1.");

    public static void NotNegative(Option<double> option) => Check(option, value => value >= 0 && double.IsFinite(value), "must be 0 or more.");

    public static void Positive(Option<int> option) => Check(option, value => value > 0, "must be 1 or more.");

    public static void Positive(Option<int?> option) => Check(option, value => value > 0, "must be 1 or more.");

    public static void NotNegative(Option<int> option) => Check(option, value => value >= 0, "must be 0 or more.");

    /// <summary>The small model's transcoders fit no other model, nor others the small model.</summary>
    /// <param name="dictionary">What may be given in the transcoders' place.</param>
    public static void FitTogether(Command command, Option<string?> model, Option<string?> transcoders, Option<string?>? dictionary = null) => command.Validators.Add(result =>
    {
        if (dictionary is not null && result.GetResult(dictionary) is not null)
        {
            if (result.GetResult(transcoders) is not null) result.AddError("Give either --transcoders or --dictionary.");
            return;
        }
        if (result.GetResult(model) is not null && result.GetResult(transcoders) is null) result.AddError("--model needs transcoders that were made for it: give them with --transcoders.");
        if (result.GetResult(transcoders) is not null && result.GetResult(model) is null) result.AddError("--transcoders needs the model that they were made for: give it with --model.");
    });

    private static void Check<T>(Option<T> option, Func<T, bool> fits, string otherwise) => option.Validators.Add(result =>
    {
        try
        {
            if (result.GetValueOrDefault<T>() is { } value && !fits(value)) result.AddError($"{option.Name} {otherwise}");
        }
        catch (InvalidOperationException)
        {
            // Not a number: the parser says so itself.
        }
    });

    /// <summary>Takes the number of threads that the command line gives.</summary>
    public static void UseThreads(this ParseResult result, Option<int?> threads)
    {
        if (result.GetValue(threads) is { } count) WorkerPool.Threads = count;
    }
}
