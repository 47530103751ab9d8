using System.CommandLine;
using System.CommandLine.Invocation;
using System.Runtime.InteropServices;
using Microtome.Models.Hub;
using Microtome.Models.Training;

namespace Microtome.Commands;

/// <summary>Runs a command and turns what can go wrong into a message and an exit code.</summary>
internal static class CommandRunner
{
    /// <summary>The input could not be used, or the work failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line could not be understood.</summary>
    public const int Misused = 2;

    /// <summary>Ctrl-C, as shells report it.</summary>
    public const int Interrupted = 130;

    private static PosixSignalRegistration? s_fileSizeLimit;

    public static async Task<int> RunAsync(ParseResult command)
    {
        InvocationConfiguration configuration = new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(10) };
        // SIGXFSZ ends a process that writes beyond its limit; where that is held off, to the very end, the write fails as it does on a full disk.
        if (!OperatingSystem.IsWindows()) s_fileSizeLimit = PosixSignalRegistration.Create((PosixSignal)25, signal => signal.Cancel = true);
        ParseErrorAction? mistake = command.Action as ParseErrorAction;
        if (mistake is not null) mistake.ShowHelp = command.Tokens.Count == 0;
        try
        {
            int result = await command.InvokeAsync(configuration);
            return mistake is not null ? Misused : result;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("Interrupted.");
            return Interrupted;
        }
        catch (OutOfMemoryException)
        {
            await Console.Error.WriteLineAsync("microtome: There is not enough memory. Trace fewer features (--max-features) or keep fewer nodes and edges (--node-threshold, --edge-threshold).");
            return Failed;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or ArgumentException or UnauthorizedAccessException or HubException or TrainingDivergedException)
        {
            await Console.Error.WriteLineAsync($"microtome: {Message(exception)}");
            return Failed;
        }
    }

    private static string Message(Exception exception)
    {
        // The framework adds the parameter's name to argument errors; people did not pass parameters.
        string message = exception.Message;
        if (exception is ArgumentException { ParamName: { } name }) message = message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal);
        return message;
    }
}
