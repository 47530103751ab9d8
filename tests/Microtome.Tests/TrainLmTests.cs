using System.Text.Json;

namespace Microtome.Tests;

public sealed class TrainLmTests
{
    private static readonly string[] Small = ["--layers", "1", "--width", "16", "--heads", "2", "--kv-heads", "1", "--vocabulary", "280", "--context", "32", "--batch", "128", "--steps", "6", "--checkpoint-every", "3"];

    [Fact]
    public void A_model_trained_on_a_text_file_is_a_checkpoint_that_generates()
    {
        using TemporaryFolder folder = new();
        string[] run = ["train-lm", "--source", Texts(folder), "--out", folder["model"], .. Small];
        JsonElement[] records = Cli.Json(run);
        records[^1].GetProperty("step").GetInt64().ShouldBe(6);
        records[^1].GetProperty("validation_loss").GetDouble().ShouldBeLessThan(6);
        foreach (string name in new[] { "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "training.json", "curve.jsonl", "curve.svg", "curve.vl.json" })
            File.Exists(Path.Combine(folder["model"], name)).ShouldBeTrue(name);
        Cli.Json("generate", "--model", folder["model"], "--prompt", "the cat", "--max-tokens", "3")[0].GetProperty("text").GetString()!.ShouldStartWith("the cat");
        Cli.Fails(1, run).ShouldContain("--resume");
    }

    [Fact]
    public void A_run_that_goes_on_ends_with_the_weights_of_one_that_never_stopped()
    {
        using TemporaryFolder folder = new();
        string texts = Texts(folder);
        Cli.Json(["train-lm", "--source", texts, "--out", folder["whole"], .. Small]);
        Cli.Json(["train-lm", "--source", texts, "--out", folder["parts"], .. Small]);
        File.Delete(Path.Combine(folder["parts"], "checkpoints", "step-00000006.safetensors"));
        File.Delete(Path.Combine(folder["parts"], "model.safetensors"));
        Cli.Json("train-lm", "--out", folder["parts"], "--resume");
        File.ReadAllBytes(Path.Combine(folder["parts"], "model.safetensors")).ShouldBe(File.ReadAllBytes(Path.Combine(folder["whole"], "model.safetensors")));
        File.WriteAllText(texts, "other texts\n\nother texts");
        Cli.Fails(1, "train-lm", "--out", folder["parts"], "--resume").ShouldContain("are not those that training");
    }

    [Fact]
    public void A_diverging_run_ends_with_its_step()
    {
        using TemporaryFolder folder = new();
        Cli.Fails(1, ["train-lm", "--source", Texts(folder), "--out", folder["model"], .. With("--steps", "400"), "--learning-rate", "1e6", "--warm-up", "0"]).ShouldContain("diverged at step");
    }

    [UnixFact]
    public void A_full_disk_loses_no_checkpoint_that_was_finished()
    {
        using TemporaryFolder folder = new();
        string[] wide = With("--width", "96");
        Cli.Json(["train-lm", "--source", Texts(folder), "--out", folder["model"], .. wide]);
        string[] before = [.. Directory.EnumerateFiles(folder["model/checkpoints"]).Order()];
        string[] more = ["train-lm", "--out", folder["model"], "--resume", "--steps", "9"];
        // A limit on the size of files acts as a full disk does.
        using (ProgramRun run = ProgramRun.StartInShell("export DOTNET_EnableWriteXorExecute=0; ulimit -f 1000; exec \"$@\"", "microtome.dll", more))
        {
            run.Finish().ExitCode.ShouldBe(1, run.Errors);
            run.Errors.ShouldNotContain("   at ");
        }
        Directory.EnumerateFiles(folder["model/checkpoints"]).Order().ShouldBe(before);
        Cli.Json(more)[^1].GetProperty("step").GetInt64().ShouldBe(9);
    }

    [Fact]
    public void Mistakes_are_named()
    {
        using TemporaryFolder folder = new();
        Cli.Fails(2, "train-lm", "--out", folder["model"]).ShouldContain("--source is needed");
        Cli.Fails(1, "train-lm", "--out", folder["model"], "--resume").ShouldContain("holds no training run");
        Cli.Fails(1, "train-lm", "--out", folder["model"], "--source", folder["missing.txt"]).ShouldContain("missing.txt");
        Cli.Fails(1, ["train-lm", "--out", folder["model"], "--source", Texts(folder), .. With("--width", "15")]).ShouldContain("15 cannot be shared by 2 heads");
        Cli.Fails(1, ["train-lm", "--out", folder["model"], "--source", Texts(folder), .. With("--vocabulary", "100")]).ShouldContain("257");
        Cli.Fails(2, "study", "capacity").ShouldContain("--out");
        Cli.Fails(1, "study", "capacity", "--out", folder["study"], "--mixture", "mostly-add").ShouldContain("reverse, every-second, first-three, sort, last");
    }

    /// <summary>The options with another value for one.</summary>
    private static string[] With(string name, string value) => [.. Small.Select((text, index) => index > 0 && Small[index - 1] == name ? value : text)];

    private static string Texts(TemporaryFolder folder) =>
        folder.Write("texts.txt", string.Join("\n<|endoftext|>\n", Enumerable.Range(0, 80).Select(i => $"the cat sat on the mat and saw {i} dogs")));
}
