using System.Text.Json;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Parity;

namespace Microtome.Circuits.Tests;

/// <summary>Everything that reference implementations computed, one test a case.</summary>
public class ParityTests
{
    private static readonly string Small = Path.Combine(TestFiles.Repository, "tests", "data", "golden");
    private static readonly string StoriesModel = Path.Combine(TestFiles.Repository, "models", "stories260k");
    private static readonly string StoriesTranscoders = StoriesModel + "-transcoders";

    public static TheoryData<string, string, string> AllCases()
    {
        TheoryData<string, string, string> cases = [];
        foreach (string folder in new[] { TestFiles.Get("golden"), Small }.Distinct())
            foreach (ParityCase one in ParityRun.Cases(folder)) cases.Add(folder, one.Kind, one.Name);
        return cases;
    }

    public static TheoryData<string, int[], int[], string> GreedyTexts()
    {
        TheoryData<string, int[], int[], string> texts = [];
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(TestFiles.Get("models/stories260k/greedy.json")));
        foreach (JsonElement text in document.RootElement.EnumerateArray())
            texts.Add(text.GetProperty("prompt").GetString()!, Ints(text.GetProperty("ids")), Ints(text.GetProperty("greedy")), text.GetProperty("text").GetString()!);
        return texts;
    }

    [Theory, MemberData(nameof(AllCases))]
    public void A_case_agrees_with_its_reference(string folder, string kind, string name)
    {
        ParityResult result = ParityRun.Cases(folder).Single(one => one.Kind == kind && one.Name == name).Run();
        result.Passed.ShouldBeTrue(result.ToString());
    }

    [Fact]
    public void The_graph_of_the_stories_model_agrees_with_its_reference()
    {
        using TranscoderSet transcoders = TranscoderReader.Open(StoriesTranscoders);
        PromptEncoder prompts = StoriesPrompts();
        string place = TestFiles.Get("models/stories260k-transcoders/reference");
        ParityResult result = new ParityCase("attribution", "stories260k", comparison => AttributionParity.Compare(StoriesModel, transcoders, place, prompts.TextOf, comparison)).Run();
        result.Passed.ShouldBeTrue(result.ToString());
    }

    [Theory, MemberData(nameof(GreedyTexts))]
    public void The_stories_model_reads_and_continues_a_text_as_the_reference(string prompt, int[] ids, int[] greedy, string text)
    {
        PromptEncoder prompts = StoriesPrompts();
        int[] tokens = prompts.Encode(prompt);
        tokens.ShouldBe(ids);
        using Checkpoint checkpoint = Checkpoint.Open(StoriesModel);
        SamplingOptions options = new() { MaximumTokens = greedy.Length - ids.Length, IgnoreEndOfText = true };
        int[] all = [.. tokens, .. Generation.Generate(new Transformer(checkpoint), tokens, options)];
        all.ShouldBe(greedy);
        prompts.Decode(all).ShouldBe(text);
    }

    [Fact]
    public void An_empty_folder_does_not_agree()
    {
        using TemporaryFolder folder = new();
        Run(folder.Path, out string output).ShouldBeFalse();
        output.ShouldContain("FAIL  no cases below");
    }

    [Fact]
    public void A_kind_of_folder_without_cases_does_not_agree()
    {
        using TemporaryFolder folder = new();
        CopyCase(folder, "models/qwen3", "models/qwen3");
        Directory.CreateDirectory(folder["tokenizers"]);
        Run(folder.Path, out string output).ShouldBeFalse();
        output.ShouldContain("FAIL  tokenizers");
    }

    [Fact]
    public void Cases_of_any_name_are_found()
    {
        using TemporaryFolder folder = new();
        CopyCase(folder, "models/qwen3", "models/qwen3"); // the attribution case's configuration names it
        CopyCase(folder, "models/qwen3", "models/never seen before/twice");
        CopyCase(folder, "attribution/qwen3-plt-relu-top200", "attribution/another");
        CopyCase(folder, "tokenizers", "tokenizers/deeper");
        Run(folder.Path, out string output).ShouldBeTrue(output);
        output.ShouldContain("never seen before/twice");
        output.ShouldContain("another");
        output.ShouldContain("deeper/small");
        output.ShouldEndWith("4 of 4 cases agree\n");
    }

    [Theory]
    [InlineData("models/qwen3", "logits")]
    [InlineData("models/qwen3", "hidden_3")]
    [InlineData("models/qwen3", "greedy")]
    [InlineData("attribution/qwen3-plt-relu-top200", "adjacency")]
    [InlineData("attribution/qwen3-plt-relu-top200", "selected_features")]
    [InlineData("attribution/qwen3-plt-relu-top200", "node_mask")]
    [InlineData("attribution/qwen3-plt-relu-top200", "edge_mask")]
    [InlineData("attribution/qwen3-plt-relu-top200", "intervention_direct_logits")]
    public void A_damaged_reference_value_is_reported(string place, string tensor)
    {
        using TemporaryFolder folder = new();
        CopyCase(folder, "models/qwen3", "models/qwen3");
        if (place != "models/qwen3") CopyCase(folder, place, place);
        Damage(Path.Combine(folder.Path, place, "golden.safetensors"), tensor);
        Run(folder.Path, out string output).ShouldBeFalse();
        string line = output.Split('\n').Single(line => line.StartsWith("FAIL", StringComparison.Ordinal));
        line.ShouldContain(place.Split('/')[1]);
        line.ShouldContain(tensor);
    }

    [Fact]
    public void A_missing_model_is_reported_and_the_other_cases_still_run()
    {
        using TemporaryFolder folder = new();
        CopyCase(folder, "attribution/qwen3-plt-relu-top200", "attribution/first");
        CopyCase(folder, "tokenizers", "tokenizers");
        Run(folder.Path, out string output).ShouldBeFalse();
        output.ShouldContain("FAIL  attribution  first");
        output.ShouldEndWith("1 of 2 cases agree\n");
    }

    [Fact]
    public void The_program_ends_with_0_when_all_agrees_1_when_not_and_2_when_misused()
    {
        using TemporaryFolder folder = new();
        ProgramResult(folder.Path).ShouldBe(1);
        CopyCase(folder, "tokenizers", "tokenizers");
        ProgramResult(folder.Path).ShouldBe(0);
        ProgramResult().ShouldBe(2);
    }

    private static int ProgramResult(params string[] arguments)
    {
        using ProgramRun run = ProgramRun.Start("Microtome.Parity.dll", arguments);
        return run.Finish().ExitCode;
    }

    private static PromptEncoder StoriesPrompts()
    {
        using Checkpoint checkpoint = Checkpoint.Open(StoriesModel);
        return PromptEncoder.Load(StoriesModel, checkpoint.Specification);
    }

    private static bool Run(string folder, out string output)
    {
        using StringWriter writer = new() { NewLine = "\n" };
        bool agrees = ParityRun.Run(folder, writer);
        output = writer.ToString();
        return agrees;
    }

    private static void CopyCase(TemporaryFolder folder, string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Small, from), "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(folder.Path, to, Path.GetRelativePath(Path.Combine(Small, from), file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    /// <summary>Flips the bits of one of the tensor's last element's bytes: its highest, where the sign and exponent of a float are; of an integer, its lowest.</summary>
    private static void Damage(string path, string tensor)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int header = (int)BitConverter.ToInt64(bytes);
        using JsonDocument document = JsonDocument.Parse(bytes.AsMemory(8, header));
        JsonElement entry = document.RootElement.GetProperty(tensor);
        int end = 8 + header + entry.GetProperty("data_offsets")[1].GetInt32();
        string type = entry.GetProperty("dtype").GetString()!;
        int size = type switch { "F32" or "I32" => 4, "I64" => 8, "U8" => 1, _ => throw new InvalidDataException(type) };
        // The last targets' rows of a graph end with the columns of targets, which are zero: make one a large number.
        bytes[type == "F32" ? end - 1 : end - size] ^= type == "F32" ? (byte)0x41 : (byte)1;
        File.WriteAllBytes(path, bytes);
    }

    private static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetInt32())];
}
