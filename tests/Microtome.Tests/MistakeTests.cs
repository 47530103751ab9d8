namespace Microtome.Tests;

public class MistakeTests
{
    private static readonly string Golden = Path.Combine(TestFiles.Repository, "tests", "data", "golden");

    public static TheoryData<string, string[]> Misused() => new()
    {
        { "Required command", [] },
        { "nonsense", ["nonsense"] },
        { "--promt", ["trace", "--promt", "x"] },
        { "either a prompt with --prompt or a graph with --from", ["trace"] },
        { "either a prompt with --prompt or a graph with --from", ["trace", "-p", "x", "--from", "y"] },
        { "'--prompt' is required", ["generate"] },
        { "'--set' is required", ["intervene", "-p", "x"] },
        { "'4:13' is not LAYER:POSITION:FEATURE=VALUE", ["intervene", "-p", "x", "--set", "4:13"] },
        { "'4:3--:1=2' is not", ["intervene", "-p", "x", "--set", "4:3--:1=2"] },
        { "'4:-3:1=2' is not", ["intervene", "-p", "x", "--set", "4:-3:1=2"] },
        { "'4:3:1=NaN' is not", ["intervene", "-p", "x", "--set", "1:2:3=4", "4:3:1=NaN"] },
        { "'frozen-attention'", ["intervene", "-p", "x", "--set", "1:2:3=4", "--mode", "sideways"] },
        { "--node-threshold must be from 0 to 1", ["trace", "-p", "x", "--node-threshold", "1.1"] },
        { "--edge-threshold must be from 0 to 1", ["trace", "-p", "x", "--edge-threshold", "NaN"] },
        { "--paths", ["trace", "-p", "x", "--paths", "many"] },
        { "--top must be 0 or more", ["features", "-p", "x", "--top", "-1"] },
        { "--threads must be from 1 to 1024", ["trace", "-p", "x", "--threads", "0"] },
        { "--max-features must be 1 or more", ["trace", "-p", "x", "--max-features", "0"] },
        { "--batch must be 1 or more", ["trace", "-p", "x", "--batch", "0"] },
        { "--memory 'much' is not a size", ["trace", "-p", "x", "--memory", "much"] },
        { "--target is for tracing", ["trace", "--from", "graph", "--target", "x"] },
        { "--temperature must be 0 or more", ["generate", "-p", "x", "--temperature", "-1"] },
        { "--top-p must be above 0 and at most 1", ["generate", "-p", "x", "--top-p", "0"] },
        { "--model needs transcoders", ["trace", "-p", "x", "--model", "somewhere"] },
        { "--transcoders needs the model", ["features", "-p", "x", "-t", "somewhere"] },
        { "--transcoders needs the model", ["studio", "-t", "somewhere"] },
        { "--port must be from 0 to 65535", ["studio", "--port", "70000"] },
    };

    public static TheoryData<string, string[]> Failing() => new()
    {
        { "neither a folder nor owner/name", ["generate", "-p", "x", "-m", "./nowhere"] },
        { "neither a folder nor owner/name", ["inspect", "./nowhere"] },
        { "neither a folder nor owner/name", ["studio", "--no-open", "--data", Path.Combine(Path.GetTempPath(), "microtome-studio-mistakes"), "-m", "./nowhere"] },
        { "no feature data at './nowhere'", ["studio", "--no-open", "--data", Path.Combine(Path.GetTempPath(), "microtome-studio-mistakes"), "--index", "./nowhere"] },
        { "'./nowhere' of --models does not exist", ["studio", "--no-open", "--models", "./nowhere"] },
        { "Choose another with --data", ["studio", "--no-open", "--data", Path.Combine(TestFiles.Repository, "LICENSE")] },
        { "has neither config.json (a checkpoint), config.yaml (transcoders), nor cfg.json", ["inspect", Golden] },
        { "has no config.json", ["generate", "-p", "x", "-m", Golden] },
        { "have 4 layers, but the model has 5", ["trace", "-p", "x", "-m", Cli.Model, "-t", Path.Combine(Golden, "attribution", "qwen3-plt-relu", "transcoders")] },
        { "have 5 layers, but the model has 4", ["features", "-p", "1", "-m", Path.Combine(Golden, "models", "qwen3"), "-t", Cli.Transcoders] },
        { "The prompt has no text", ["trace", "-p", ""] },
        { "the model's context holds 512", ["trace", "-p", string.Concat(Enumerable.Repeat("One day Tom and Sue went to the park. ", 60))] },
        { "the model's context holds 512", ["generate", "-p", string.Concat(Enumerable.Repeat("One day Tom and Sue went to the park. ", 60))] },
        { "is not one token but", ["trace", "-p", "x", "--target", " Constantinople"] },
        { "The target has no text", ["trace", "-p", "x", "--target", ""] },
        { "The target has no text", ["trace", "-p", "x", "--target", "a - "] },
        { "difference of a token and itself", ["trace", "-p", "x", "--target", " Lily - Lily"] },
        { "token ids from 0 to 210; '211' is none", ["generate", "-p", "1 211", "-m", Path.Combine(Golden, "models", "gpt2")] },
        { "There is no layer 5; there are 0 to 4", ["features", "-p", "x", "--layer", "5"] },
        { "There is no position -1", ["features", "-p", "x", "--position", "-1"] },
        { "There is no layer 5; the model's are 0 to 4", ["intervene", "-p", "x", "--set", "5:1:0=1"] },
        { "There is no position 99", ["intervene", "-p", "x", "--set", "1:99:0=1"] },
        { "Layer 1 has no feature 768", ["intervene", "-p", "x", "--set", "1:1:768=1"] },
        { "is not a graph that 'microtome trace' wrote", ["trace", "--from", Path.Combine(Cli.Model, "model.safetensors")] },
        { "nowhere.safetensors", ["trace", "--from", "nowhere.safetensors"] },
        { "is JSON, not a safetensors file", ["trace", "--from", Path.Combine(Cli.Model, "config.json")] },
        { "Trace those with the most influence: --max-features", ["trace", "-p", string.Concat(Enumerable.Repeat("Once upon a time there was a dog. ", 40))] },
    };

    [Theory, MemberData(nameof(Misused))]
    public void A_command_line_that_makes_no_sense_ends_with_2_and_says_why(string message, string[] arguments) =>
        Cli.Fails(2, arguments).ShouldContain(message);

    [Theory, MemberData(nameof(Failing))]
    public void Input_that_cannot_be_used_ends_with_1_and_says_why(string message, string[] arguments) =>
        Cli.Fails(1, arguments).ShouldContain(message);

    [Fact]
    public void An_unknown_family_is_answered_with_the_known_ones()
    {
        using TemporaryFolder folder = new();
        folder.Write("config.json", """{"model_type": "perceptron"}""");
        string message = Cli.Fails(1, "inspect", folder.Path);
        message.ShouldContain("the model family 'perceptron' is not known; known are ");
        foreach (string family in new[] { "gpt2", "llama", "gemma2", "qwen3", "gpt_oss" }) message.ShouldContain(family);
    }

    [Fact]
    public void A_truncated_checkpoint_is_named()
    {
        using TemporaryFolder folder = new();
        foreach (string file in Directory.EnumerateFiles(Cli.Model)) File.Copy(file, folder[Path.GetFileName(file)]);
        using (FileStream weights = File.OpenWrite(folder["model.safetensors"])) weights.SetLength(500_000);
        string message = Cli.Fails(1, "generate", "-p", "x", "-m", folder.Path);
        message.ShouldContain(folder["model.safetensors"]);
        message.ShouldContain("truncated");
    }
}
