using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Microtome.Commands;

/// <summary>A command whose help ends with examples.</summary>
internal sealed class ExampleCommand(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples => examples;

    /// <summary>What the command does, on a thread of its own: Ctrl-C ends the program after a grace period even where the work does not look.</summary>
    public void SetWork(Func<ParseResult, CancellationToken, Task<int>> work) =>
        SetAction((result, cancellation) => Task.Run(() => work(result, cancellation), CancellationToken.None));
}

internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        int result = help.Invoke(parseResult);
        if (parseResult.CommandResult.Command is not ExampleCommand command) return result;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Examples:");
        foreach (string example in command.Examples) output.WriteLine($"  {example}");
        output.WriteLine();
        return result;
    }
}
