using System.Diagnostics;

namespace Microtome.Tests;

public class InterruptionTests
{
    // One row at a time, with features ranked anew after every fourth: half a minute of work or more.
    private static readonly string[] LongWork =
    [
        "trace", "--prompt", string.Concat(Enumerable.Repeat("One day Tom and Sue went to the park and saw a big dog. ", 10)), "--batch", "1", "--max-features", "3000", "--out",
    ];

    [UnixFact]
    public void Interrupted_work_ends_with_130_and_leaves_nothing_behind()
    {
        using TemporaryFolder folder = new();
        using ProgramRun run = ProgramRun.Start("microtome.dll", Cli.OnStories([.. LongWork, folder["new/graph"]]));
        run.WaitForError(); // says what it works on
        Interrupt(run);
        run.Finish().ExitCode.ShouldBe(130, run.Errors);
        run.Errors.ShouldEndWith("Interrupted.\n");
        run.Output.ShouldBeEmpty();
        Directory.EnumerateFileSystemEntries(folder.Path).ShouldBeEmpty();
    }

    [UnixFact]
    public void Interrupted_work_leaves_an_earlier_graph_as_it_was()
    {
        using TemporaryFolder folder = new();
        folder.Write("graph.json", "earlier");
        using ProgramRun run = ProgramRun.Start("microtome.dll", Cli.OnStories([.. LongWork, folder.Path]));
        run.WaitForError();
        Interrupt(run);
        run.Finish().ExitCode.ShouldBe(130, run.Errors);
        Directory.EnumerateFileSystemEntries(folder.Path).Single().ShouldBe(folder["graph.json"]);
        File.ReadAllText(folder["graph.json"]).ShouldBe("earlier");
    }

    private static void Interrupt(ProgramRun run)
    {
        using Process kill = Process.Start("kill", ["-INT", $"{run.Id}"]);
        kill.WaitForExit();
    }
}
