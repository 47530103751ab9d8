using System.Text.Json;

namespace Microtome.Tests;

public class TraceTests
{
    [Fact]
    public void Trace_prints_the_numbers_of_the_reference()
    {
        JsonElement graph = Cli.Json("trace", "--prompt", Cli.Prompt).Single();
        graph.GetProperty("prompt").GetString().ShouldBe(Cli.Prompt);
        graph.GetProperty("targets")[0].GetProperty("text").GetString().ShouldBe(" Lily");
        graph.GetProperty("targets")[0].GetProperty("probability").GetDouble().ShouldBe(0.928, 0.0005);
        graph.GetProperty("active_features").GetInt32().ShouldBe(1323);
        graph.GetProperty("kept_nodes").GetInt32().ShouldBe(181);
        graph.GetProperty("kept_edges").GetInt32().ShouldBe(6238);
        graph.GetProperty("replacement_score").GetDouble().ShouldBe(0.979, 0.0005);
        graph.GetProperty("completeness_score").GetDouble().ShouldBe(0.994, 0.0005);
        graph.GetProperty("files").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public void Trace_names_the_answer_and_draws_the_paths_to_it()
    {
        ProgramRun run = Cli.Run("trace", "--prompt", Cli.Prompt);
        run.ExitCode.ShouldBe(0, run.Errors);
        run.Lines[0].ShouldBe(Cli.Prompt);
        run.Output.ShouldContain("\" Lily\"  92.8%");
        run.Output.ShouldContain("The strongest paths to \" Lily\"");
        run.Output.ShouldContain("token \" named\"@13");
    }

    [Theory]
    [InlineData(Cli.Prompt, "24")]
    [InlineData("Tom and Sue went to the park. Tom gave the ball to", "400")]
    public void The_tree_of_paths_fits_80_columns(string prompt, string paths)
    {
        ProgramRun run = Cli.Run("trace", "--prompt", prompt, "--paths", paths);
        string[] tree = [.. run.Lines.SkipWhile(line => !line.StartsWith("The strongest", StringComparison.Ordinal))];
        tree.Length.ShouldBeGreaterThan(20);
        tree.ShouldAllBe(line => line.Length <= 80);
    }

    [Fact]
    public void Both_files_are_written_and_named()
    {
        using TemporaryFolder folder = new();
        string output = folder["new/graph"];
        JsonElement graph = Cli.Json("trace", "--prompt", Cli.Prompt, "--out", output).Single();
        string[] files = [Path.Combine(output, "graph.json"), Path.Combine(output, "graph.safetensors")];
        graph.GetProperty("files").EnumerateArray().Select(file => file.GetString()).ShouldBe(files);
        Directory.EnumerateFileSystemEntries(output).Order().ShouldBe(files);
        using JsonDocument viewer = JsonDocument.Parse(File.ReadAllBytes(files[0]));
        viewer.RootElement.GetProperty("metadata").GetProperty("slug").GetString().ShouldBe("once-upon-a-time-there-was-a-little");
        viewer.RootElement.GetProperty("links").GetArrayLength().ShouldBe(graph.GetProperty("kept_edges").GetInt32());
    }

    [Fact]
    public void A_written_graph_is_pruned_again_without_its_model()
    {
        using TemporaryFolder folder = new();
        CopyFolder(Cli.Model, folder["model"]);
        JsonElement whole = Cli.Json("trace", "-m", folder["model"], "-t", Cli.Transcoders, "-p", Cli.Prompt, "-o", folder["graph"]).Single();
        Directory.Delete(folder["model"], recursive: true);

        JsonElement same = Cli.Json("trace", "--from", Path.Combine(folder["graph"], "graph.safetensors"), "-o", folder["same"]).Single();
        foreach (string fact in new[] { "prompt", "tokens", "active_features", "kept_nodes", "kept_edges", "replacement_score", "completeness_score" })
            same.GetProperty(fact).ToString().ShouldBe(whole.GetProperty(fact).ToString(), fact);
        File.ReadAllText(Path.Combine(folder["same"], "graph.json")).ShouldBe(File.ReadAllText(Path.Combine(folder["graph"], "graph.json")));

        JsonElement smaller = Cli.Json("trace", "--from", Path.Combine(folder["graph"], "graph.safetensors"), "--node-threshold", "0.6").Single();
        smaller.GetProperty("kept_nodes").GetInt32().ShouldBeLessThan(whole.GetProperty("kept_nodes").GetInt32());
    }

    [Fact]
    public void The_graph_has_the_same_bits_whatever_the_number_of_threads()
    {
        using TemporaryFolder folder = new();
        foreach (string threads in new[] { "1", "3" }) Cli.Json("trace", "-p", Cli.Prompt, "--threads", threads, "-o", folder[threads]);
        foreach (string file in new[] { "graph.json", "graph.safetensors" })
            File.ReadAllBytes(Path.Combine(folder["1"], file)).SequenceEqual(File.ReadAllBytes(Path.Combine(folder["3"], file))).ShouldBeTrue(file);
    }

    [Fact]
    public void Targets_can_be_tokens_and_differences_and_count_once()
    {
        JsonElement graph = Cli.Json("trace", "-p", Cli.Prompt, "--target", " Lily", "--target", " Lily - \n", "--target", " Lily").Single();
        graph.GetProperty("targets").EnumerateArray().Select(target => target.GetProperty("text").GetString()).Count().ShouldBe(2);
        graph.GetProperty("targets")[1].GetProperty("text").GetString()!.ShouldContain("−");
    }

    [Fact]
    public void A_limit_of_features_is_kept()
    {
        JsonElement graph = Cli.Json("trace", "-p", Cli.Prompt, "--max-features", "100", "--batch", "16").Single();
        graph.GetProperty("traced_features").GetInt32().ShouldBe(100);
        graph.GetProperty("active_features").GetInt32().ShouldBe(1323);
    }

    [Fact]
    public void A_checkpoint_without_a_tokenizer_is_traced_from_ids()
    {
        string golden = Path.Combine(TestFiles.Repository, "tests", "data", "golden");
        JsonElement graph = Cli.Json("trace", "-m", Path.Combine(golden, "models", "gpt2"), "-t", Path.Combine(golden, "attribution", "gpt2-plt-topk", "transcoders"), "-p", "1 81 t187 5").Single();
        graph.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32()).ShouldBe([1, 81, 187, 5]);
        graph.GetProperty("token_texts")[2].GetString().ShouldBe("t187");
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
