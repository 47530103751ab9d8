using System.Text.Json;

namespace Microtome.Tests;

/// <summary>The real program, on the model of stories whose numbers are known unless a test names another.</summary>
internal static class Cli
{
    public const string Prompt = "Once upon a time, there was a little girl named";
    public static readonly string Model = Path.Combine(TestFiles.Repository, "models", "stories260k");
    public static readonly string Transcoders = Path.Combine(TestFiles.Repository, "models", "stories260k-transcoders");

    /// <summary>Runs the program to its end.</summary>
    public static ProgramRun Run(params string[] arguments) => RunShipped(OnStories(arguments));

    /// <summary>As <see cref="Run"/>, on the model that comes with the program unless the arguments name another.</summary>
    public static ProgramRun RunShipped(params string[] arguments)
    {
        using ProgramRun run = ProgramRun.Start("microtome.dll", arguments);
        return run.Finish();
    }

    /// <summary>The arguments and, where they take a model and name none, the model of stories.</summary>
    public static string[] OnStories(params string[] arguments)
    {
        if (arguments.Any(argument => argument is "-m" or "--model" or "-t" or "--transcoders" or "--from" or "--help")) return arguments;
        return arguments switch
        {
            ["features", ..] when arguments.Contains("--dictionary") => [.. arguments, "-m", Model],
            ["trace" or "generate" or "features" or "intervene" or "index" or "evaluate-dictionary", ..] => [.. arguments, "-m", Model, "-t", Transcoders],
            ["vector", ..] when arguments.Contains("--dictionary") => arguments,
            ["vector", "compare", ..] when arguments.Contains("--latents") => [.. arguments, "-t", Transcoders],
            ["vector", "make", ..] when arguments.Contains("--latents") => [.. arguments, "-m", Model, "-t", Transcoders],
            ["chat" or "harvest" or "train-dictionary", ..] or ["vector", "make" or "plot", ..] => [.. arguments, "-m", Model],
            _ => arguments,
        };
    }

    /// <summary>Runs the program, which must succeed, with --json, and parses what it prints.</summary>
    public static JsonElement[] Json(params string[] arguments)
    {
        ProgramRun run = Run([.. arguments, "--json"]);
        run.ExitCode.ShouldBe(0, run.Errors);
        return [.. run.Lines.Select(line => JsonDocument.Parse(line).RootElement)];
    }

    /// <summary>Runs the program, which must fail with one message and without a stack trace.</summary>
    public static string Fails(int exitCode, params string[] arguments)
    {
        ProgramRun run = Run(arguments);
        run.ExitCode.ShouldBe(exitCode, run.Errors);
        run.Errors.ShouldNotContain("   at ");
        return run.Errors;
    }
}
