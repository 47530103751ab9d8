using System.Diagnostics;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Microtome.Tests;

public class IntrospectTests
{
    private const string Sweep = """
        experiment: injected-thought
        concepts: [sea, fire, dog, sun]
        vector: { templates: ["Tom saw the {word}"], baseline: [cup, road, hat] }
        layers: all
        strengths: [0.25, 0.5, 1, 2, 4]
        placebos: 4
        resamples: 100
        prompts:
          context: "Tom and Lily talk and play all day. Answer yes or no."
          "true": ["Is the sun hot?"]
          "false": ["Is the sun cold?"]
        """;

    [UnixFact]
    public void A_sweep_that_was_killed_goes_on_with_no_cell_lost_or_done_twice()
    {
        using TemporaryFolder folder = new();
        folder.Write("sweep.yaml", Sweep);
        string killed = folder["killed"], whole = folder["whole"];
        using (ProgramRun run = ProgramRun.Start("microtome.dll", ["introspect", folder["sweep.yaml"], "--out", killed, "--no-sharing"]))
        {
            SpinWait.SpinUntil(() => Cells(killed) > 0, TimeSpan.FromMinutes(1)).ShouldBeTrue("no cell was found");
            using Process kill = Process.Start("kill", ["-KILL", $"{run.Id}"]);
            kill.WaitForExit();
            run.Finish();
        }
        Cli.Run("introspect", folder["sweep.yaml"], "--out", killed, "--no-sharing").ExitCode.ShouldBe(0);
        Cli.Run("introspect", folder["sweep.yaml"], "--out", whole, "--no-sharing", "--threads", "1").ExitCode.ShouldBe(0);
        foreach (string file in new[] { "cells.jsonl", "findings.json", "report.html" })
            File.ReadAllText(Path.Combine(killed, file)).ShouldBe(File.ReadAllText(Path.Combine(whole, file)), file);
        Cells(killed).ShouldBe(File.ReadAllLines(Path.Combine(killed, "cells.jsonl")).Length);
    }

    /// <summary>How many cells all runs of the program say that they added.</summary>
    private static long Cells(string folder)
    {
        string file = Path.Combine(folder, "results.sqlite");
        if (!File.Exists(file)) return 0;
        Thread.Sleep(20);
        try
        {
            using SqliteConnection connection = new($"Data Source={file};Mode=ReadOnly;Pooling=False");
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "SELECT sum(cells) FROM sessions";
            return command.ExecuteScalar() is long cells ? cells : 0;
        }
        catch (SqliteException)
        {
            return 0; // it is being made
        }
    }

    [Fact]
    public void Findings_are_records()
    {
        using TemporaryFolder folder = new();
        folder.Write("short.yaml", Sweep.Replace("layers: all", "layers: 2", StringComparison.Ordinal).Replace("[0.25, 0.5, 1, 2, 4]", "[1]", StringComparison.Ordinal));
        JsonElement[] records = Cli.Json("introspect", folder["short.yaml"], "--out", folder["out"]);
        records[0].GetProperty("experiment").GetString().ShouldBe("injected-thought");
        records[1].GetProperty("name").GetString().ShouldBe("separation");
        records[1].GetProperty("low").GetDouble().ShouldBeLessThanOrEqualTo(records[1].GetProperty("high").GetDouble());
    }

    [Fact]
    public void The_schema_is_printed() => Cli.Run("introspect", "--schema").Output.ShouldBe(File.ReadAllText(Path.Combine(TestFiles.Repository, "docs", "experiment.schema.json")));

    [Fact]
    public void Mistakes_are_one_line()
    {
        using TemporaryFolder folder = new();
        folder.Write("bad.yaml", "experiment: injected-thought\nstrenghts: [1]\n");
        Cli.Fails(1, "introspect", folder["bad.yaml"], "--out", folder["out"]).ShouldContain("bad.yaml:2: there is no key 'strenghts'");
        Cli.Fails(1, "introspect", folder["none.yaml"], "--out", folder["out"]).ShouldContain("There is no experiment file");
        Cli.Fails(2, "introspect", "--builtin", "telepathy", "--out", folder["out"]).ShouldContain("there are injected-thought");
        Cli.Fails(2, "introspect", "--out", folder["out"]).ShouldContain("Give an experiment file");
        Cli.Fails(2, "introspect", "--builtin", "which-thought").ShouldContain("--out is required");
        folder.Write("layer.yaml", "experiment: injected-thought\nlayers: 7\n");
        Cli.Fails(1, "introspect", folder["layer.yaml"], "--out", folder["out"]).ShouldContain("There is no layer 7; the model's are 0 to 4.");
    }
}
