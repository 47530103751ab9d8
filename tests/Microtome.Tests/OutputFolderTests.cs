namespace Microtome.Tests;

/// <summary>Where graphs cannot be written, nothing is left behind, and what was there stays.</summary>
public class OutputFolderTests
{
    // A limit on the size of files acts as a full disk does. The runtime maps a large file for code that it compiles, unless it is told not to.
    private const string SmallFiles = "export DOTNET_EnableWriteXorExecute=0; ulimit -f 1000; exec \"$@\"";

    [UnixFact]
    public void A_full_disk_leaves_nothing_behind()
    {
        using TemporaryFolder folder = new();
        using ProgramRun run = ProgramRun.StartInShell(SmallFiles, "microtome.dll", Cli.OnStories(["trace", "-p", Cli.Prompt, "--out", folder["new/graph"]]));
        run.Finish().ExitCode.ShouldBe(1, run.Errors);
        run.Errors.ShouldContain("microtome: ");
        run.Errors.ShouldNotContain("   at ");
        Directory.EnumerateFileSystemEntries(folder.Path).ShouldBeEmpty();
    }

    [UnixFact]
    public void A_full_disk_leaves_an_earlier_graph_as_it_was()
    {
        using TemporaryFolder folder = new();
        folder.Write("graph.json", "earlier");
        folder.Write("graph.safetensors", "earlier too");
        using ProgramRun run = ProgramRun.StartInShell(SmallFiles, "microtome.dll", Cli.OnStories(["trace", "-p", Cli.Prompt, "--out", folder.Path]));
        run.Finish().ExitCode.ShouldBe(1, run.Errors);
        Directory.EnumerateFileSystemEntries(folder.Path).Count().ShouldBe(2);
        File.ReadAllText(folder["graph.json"]).ShouldBe("earlier");
        File.ReadAllText(folder["graph.safetensors"]).ShouldBe("earlier too");
    }

    [UnixFact]
    public void A_full_device_as_standard_output_is_an_error()
    {
        if (!File.Exists("/dev/full")) return;
        using ProgramRun run = ProgramRun.StartInShell("exec \"$@\" > /dev/full", "microtome.dll", Cli.OnStories(["trace", "-p", Cli.Prompt, "--json"]));
        run.Finish().ExitCode.ShouldBe(1);
        run.Errors.ShouldContain("No space left");
    }

    [UnixFact]
    public void A_reader_that_goes_away_is_no_crash()
    {
        using ProgramRun run = ProgramRun.StartInShell("\"$@\" | head -n 1", "microtome.dll", Cli.OnStories(["features", "-p", Cli.Prompt, "--top", "0", "--json"]));
        run.Finish().Lines.Length.ShouldBe(1);
        run.Errors.ShouldNotContain("   at ");
    }

    [Fact]
    public void A_file_is_not_taken_for_a_folder()
    {
        using TemporaryFolder folder = new();
        folder.Write("graph", "a file");
        Cli.Fails(1, "trace", "-p", Cli.Prompt, "--out", folder["graph"]).ShouldContain("is a file; --out needs a folder");
        File.ReadAllText(folder["graph"]).ShouldBe("a file");
    }

    [UnixFact]
    public void A_folder_that_cannot_be_written_to_is_named()
    {
        // Where no one may create files, not even who may do everything else.
        string message = Cli.Fails(1, "trace", "-p", Cli.Prompt, "--out", "/proc/graph");
        message.ShouldContain("The folder '/proc/graph' cannot be written to");
    }
}
