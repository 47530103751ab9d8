using System.Text.Json;

namespace Microtome.Tests;

public class DictionaryTests
{
    private const string Text = "Once upon a time there was a little girl named Lily. She went to the park with Tom.\n<|endoftext|>\nTom saw a big dog. The dog was happy and wanted to play.\n<|endoftext|>\nSue had a red ball. She liked to play with the ball in the park.\n";

    [Fact]
    public void An_index_is_made_goes_on_and_tells_what_features_are_known_for()
    {
        using TemporaryFolder folder = new();
        folder.Write("texts.txt", Text);
        string[] index = ["index", "--source", folder["texts.txt"], "--out", folder["index"], "--examples", "3", "--samples", "1", "--promoted", "3"];
        Cli.Json([.. index, "--tokens", "20"])[0].GetProperty("contexts").GetInt64().ShouldBe(1);

        JsonElement record = Cli.Json([.. index, "--json-folder", folder["viewer"]])[0];
        record.GetProperty("contexts").GetInt64().ShouldBe(3);
        long active = record.GetProperty("active_features").GetInt64();
        record.GetProperty("layers").EnumerateArray().Sum(layer => layer.GetProperty("active").GetInt64()).ShouldBe(active);
        Directory.GetFiles(folder["viewer/features/stories260k-plt"]).Length.ShouldBe((int)active);

        foreach (string source in new[] { folder["index"], folder["viewer"] })
        {
            JsonElement[] features = Cli.Json("features", "--prompt", "Tom saw a big dog.", "--index", source, "--top", "5");
            features.ShouldAllBe(feature => feature.GetProperty("promoted").GetArrayLength() == 3 && feature.GetProperty("strongest").GetArrayLength() >= 1);
        }
        Cli.Run("features", "--prompt", "Tom saw a big dog.", "--index", folder["index"], "--top", "3").Output.ShouldContain("promotes");
    }

    [Fact]
    public void Transcoders_are_judged_with_a_report_and_records()
    {
        using TemporaryFolder folder = new();
        folder.Write("texts.txt", Text);
        ProgramRun run = Cli.Run("evaluate-dictionary", "--source", folder["texts.txt"], "--together-only", "--prompt", "Tom saw a", "--report", folder["report.html"], "--out", folder["scores.jsonl"]);

        run.ExitCode.ShouldBe(0, run.Errors);
        run.Output.ShouldContain("variance unexplained");
        run.Output.ShouldContain("Tom saw a");
        File.ReadAllText(folder["report.html"]).ShouldContain("<svg");
        JsonElement record = JsonDocument.Parse(File.ReadAllText(folder["scores.jsonl"])).RootElement;
        record.GetProperty("documents").GetInt32().ShouldBe(3);
        record.GetProperty("sites").GetArrayLength().ShouldBe(5);
        record.GetProperty("all").GetProperty("recovered_from_zero")[0].GetDouble().ShouldBeInRange(0.5, 1);
        record.GetProperty("graphs")[0].GetProperty("replacement").GetDouble().ShouldBeInRange(0, 1);
    }

    [Fact]
    public void Mistakes_are_named()
    {
        using TemporaryFolder folder = new();
        Cli.Fails(1, "index", "--out", folder["index"], "--source", folder["nothing.txt"]).ShouldContain("There is no text file or folder");
        Cli.Fails(1, "index", "--out", folder["index"], "--context", "4096").ShouldContain("from 2 to 512 do");
        Cli.Fails(1, "index", "--out", folder["index"], "--tokens", "0").ShouldContain("must be at least 1");
        Cli.Fails(2, "index").ShouldContain("--out");
        Cli.Fails(2, "evaluate-dictionary", "--model", Cli.Model).ShouldContain("--dictionary");
        Cli.Fails(1, "features", "--prompt", "Tom", "--index", folder["nothing"]).ShouldContain("There is no feature index");
        folder.Write("bad.jsonl", "{\"text\": \"a\"}\n{\"other\": 1}\n");
        Cli.Fails(1, "index", "--out", folder["index"], "--source", folder["bad.jsonl"]).ShouldContain("line 2");
    }
}
