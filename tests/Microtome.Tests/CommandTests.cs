using System.Text.Json;

namespace Microtome.Tests;

public class CommandTests
{
    public static TheoryData<string[]> CommandLines() => new(
        ["trace", "-p", Cli.Prompt],
        ["trace", "-p", Cli.Prompt, "--target", " Lily - \n", "--paths", "3"],
        ["generate", "-p", Cli.Prompt, "--max-tokens", "20"],
        ["features", "-p", Cli.Prompt, "--top", "5"],
        ["intervene", "-p", Cli.Prompt, "--set", "4:13:142=0", "--max-tokens", "5"],
        ["inspect", Cli.Model, "--tensors"],
        ["inspect", Cli.Transcoders]);

    [Theory, MemberData(nameof(CommandLines))]
    public void Piped_output_has_no_escape_codes_and_no_trailing_spaces(string[] arguments)
    {
        ProgramRun run = Cli.Run(arguments);
        run.ExitCode.ShouldBe(0, run.Errors);
        run.Output.ShouldNotContain('\u001b');
        run.Lines.ShouldAllBe(line => line == line.TrimEnd());
    }

    [Theory]
    [InlineData("trace")]
    [InlineData("generate")]
    [InlineData("features")]
    [InlineData("intervene")]
    [InlineData("inspect")]
    [InlineData("harvest")]
    [InlineData("train-dictionary")]
    [InlineData("evaluate-dictionary")]
    [InlineData("index")]
    [InlineData("studio")]
    [InlineData("chat")]
    [InlineData("introspect")]
    [InlineData("train-lm")]
    public void Help_has_examples_and_lists_options(string command)
    {
        ProgramRun run = Cli.Run(command, "--help");
        run.ExitCode.ShouldBe(0);
        run.Output.ShouldMatch($"Examples:\n  microtome {command}( |\n)");
        run.Output.ShouldContain("--json");
        run.Errors.ShouldBeEmpty();
    }

    [Fact]
    public void Help_lists_every_command()
    {
        ProgramRun run = Cli.Run("--help");
        run.ExitCode.ShouldBe(0);
        foreach (string command in new[] { "trace", "intervene", "features", "studio", "generate", "chat", "vector", "introspect", "harvest", "train-dictionary", "evaluate-dictionary", "index", "train-lm", "study", "reproduce", "inspect" }) run.Output.ShouldContain($"\n  {command} ");
    }

    [Fact]
    public void Generate_continues_the_text_as_the_reference_does()
    {
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestFiles.Get("models/stories260k/greedy.json")));
        JsonElement expected = reference.RootElement[2];
        string prompt = expected.GetProperty("prompt").GetString()!;
        int count = expected.GetProperty("greedy").GetArrayLength() - expected.GetProperty("ids").GetArrayLength();
        JsonElement actual = Cli.Json("generate", "-p", prompt, "--max-tokens", $"{count}").Single();
        actual.GetProperty("text").GetString().ShouldBe(expected.GetProperty("text").GetString());
        Cli.Run("generate", "-p", prompt, "--max-tokens", $"{count}").Output.ShouldBe(expected.GetProperty("text").GetString() + "\n");
    }

    [Theory]
    [InlineData("I saw a 😀")] // of several tokens, a byte each
    [InlineData("")]
    public void Generate_prints_the_text_that_the_record_holds(string prompt)
    {
        string text = Cli.Json("generate", "-p", prompt, "--max-tokens", "4").Single().GetProperty("text").GetString()!;
        text.ShouldStartWith(prompt);
        Cli.Run("generate", "-p", prompt, "--max-tokens", "4").Output.ShouldBe(text + "\n");
    }

    [Fact]
    public void Equal_seeds_give_equal_texts_and_others_other_texts()
    {
        string[] texts = [.. new[] { "1", "1", "2" }.Select(seed => Cli.Run("generate", "-p", "Tom had a", "--temperature", "1.2", "--top-k", "50", "--top-p", "0.95", "--seed", seed).Output)];
        texts[1].ShouldBe(texts[0]);
        texts[2].ShouldNotBe(texts[0]);
    }

    [Fact]
    public void Generate_fills_the_context_however_many_tokens_are_asked_for()
    {
        JsonElement text = Cli.Json("generate", "-p", "Tom", "--max-tokens", "2147483647", "--temperature", "1.5").Single();
        int prompt = text.GetProperty("prompt_tokens").GetArrayLength(), generated = text.GetProperty("tokens").GetArrayLength();
        (prompt + generated).ShouldBeLessThanOrEqualTo(513); // the context and one token after it
    }

    [Fact]
    public void Features_are_listed_strongest_first()
    {
        JsonElement[] features = Cli.Json("features", "-p", Cli.Prompt, "--top", "0");
        features.Length.ShouldBe(1323);
        double[] activations = [.. features.Select(feature => feature.GetProperty("activation").GetDouble())];
        activations.ShouldBe(activations.OrderByDescending(Math.Abs));
        features.ShouldAllBe(feature => feature.GetProperty("position").GetInt32() > 0);
    }

    [Fact]
    public void Features_of_one_layer_and_position_are_listed_alone()
    {
        JsonElement[] features = Cli.Json("features", "-p", Cli.Prompt, "--layer", "4", "--position", "13");
        features.ShouldContain(feature => feature.GetProperty("feature").GetInt32() == 142);
        features.ShouldAllBe(feature => feature.GetProperty("layer").GetInt32() == 4 && feature.GetProperty("position").GetInt32() == 13 && feature.GetProperty("token").GetString() == " named");
    }

    [Fact]
    public void Switching_a_feature_off_takes_probability_from_what_it_promotes()
    {
        JsonElement lily = Cli.Json("intervene", "-p", Cli.Prompt, "--set", "4:13:142=0", "4:13:402=0").Single().GetProperty("next_tokens")[0];
        lily.GetProperty("text").GetString().ShouldBe(" Lily");
        lily.GetProperty("after").GetDouble().ShouldBeLessThan(lily.GetProperty("before").GetDouble() - 0.01);
    }

    [Fact]
    public void Interventions_are_printed_as_they_were_understood_with_both_texts()
    {
        JsonElement result = Cli.Json("intervene", "-p", Cli.Prompt, "--set", "2:*:17=4", "--set", "3:7-:5=1.5", "--mode", "unfrozen", "--max-tokens", "4").Single();
        JsonElement all = result.GetProperty("interventions")[0], later = result.GetProperty("interventions")[1];
        (all.GetProperty("position").GetInt32(), all.GetProperty("open_ended").GetBoolean()).ShouldBe((1, true));
        (later.GetProperty("position").GetInt32(), later.GetProperty("open_ended").GetBoolean(), later.GetProperty("value").GetDouble()).ShouldBe((7, true, 1.5));
        result.GetProperty("unchanged").GetString()!.ShouldStartWith(Cli.Prompt + " Lily");
        result.GetProperty("changed").GetString()!.ShouldStartWith(Cli.Prompt);
    }

    [Fact]
    public void Inspect_describes_a_checkpoint_transcoders_and_single_files()
    {
        JsonElement model = Cli.Json("inspect", Cli.Model).Single();
        (model.GetProperty("kind").GetString(), model.GetProperty("family").GetString(), model.GetProperty("can_run").GetBoolean()).ShouldBe(("checkpoint", "llama", true));
        Cli.Json("inspect", Cli.Transcoders).Single().GetProperty("features_a_layer").GetString().ShouldBe("768");
        Cli.Json("inspect", Path.Combine(Cli.Model, "model.safetensors")).Single().GetProperty("tensor_list").GetArrayLength().ShouldBe(47);
    }
}
