using System.Diagnostics;

namespace Microtome.Testing;

/// <summary>A program that is run from the tests' own output folder, as people run it, with everything it prints.</summary>
public sealed class ProgramRun : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2); // a guard against hanging, not an expectation
    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task _reading;
    private readonly List<string> _errors = [];
    private readonly TaskCompletionSource _firstError = new();

    private ProgramRun(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.UseShellExecute = false;
        _process = Process.Start(start)!;
        _output = _process.StandardOutput.ReadToEndAsync();
        _reading = ReadErrors();
    }

    public int Id => _process.Id;

    public int ExitCode { get; private set; }

    public string Output { get; private set; } = "";

    public string Errors { get; private set; } = "";

    public string[] Lines => Output.TrimEnd('\n').Split('\n');

    /// <summary>Starts an assembly beside the tests with dotnet.</summary>
    public static ProgramRun Start(string assembly, IEnumerable<string> arguments, string? folder = null)
    {
        ProcessStartInfo start = new("dotnet") { WorkingDirectory = folder ?? "" };
        foreach (string argument in new[] { Path.Combine(AppContext.BaseDirectory, assembly) }.Concat(arguments)) start.ArgumentList.Add(argument);
        return new ProgramRun(start);
    }

    /// <summary>Starts a command line of bash, in which <c>"$@"</c> stands for the program and its arguments.</summary>
    public static ProgramRun StartInShell(string script, string assembly, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new("bash");
        foreach (string argument in new[] { "-c", script, "bash", "dotnet", Path.Combine(AppContext.BaseDirectory, assembly) }.Concat(arguments)) start.ArgumentList.Add(argument);
        return new ProgramRun(start);
    }

    /// <summary>Waits until the program ends.</summary>
    public ProgramRun Finish()
    {
        if (!_process.WaitForExit(Patience)) throw new TimeoutException($"The program still runs after {Patience}.");
        Task.WaitAll([_output, _reading], Patience);
        (ExitCode, Output, Errors) = (_process.ExitCode, _output.Result, string.Concat(_errors.Select(line => line + "\n")));
        return this;
    }

    /// <summary>Waits until the program has printed a line to standard error, which it does when a step takes long.</summary>
    public void WaitForError()
    {
        if (!_firstError.Task.Wait(Patience)) throw new TimeoutException($"The program printed nothing to standard error in {Patience}.");
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private async Task ReadErrors()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            _errors.Add(line);
            _firstError.TrySetResult();
        }
    }
}
