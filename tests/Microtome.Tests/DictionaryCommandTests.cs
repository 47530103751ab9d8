using System.Text.Json;

namespace Microtome.Tests;

public sealed class DictionaryCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _texts;

    public DictionaryCommandTests()
    {
        _texts = _folder["texts.txt"];
        File.WriteAllText(_texts, string.Join("\n<|endoftext|>\n", Enumerable.Range(0, 40).Select(i => $"Tom had {i} red balls. Lily saw the dog and the cat number {i * 7} in the park. They were happy.")));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Autoencoders_are_trained_inspected_and_read_on_a_prompt()
    {
        JsonElement[] trained = Cli.Json("train-dictionary", "-m", Cli.Model, "--source", _texts, "--hook", "blocks.2.hook_resid_post", "--features", "64,128", "--k", "8", "--tokens", "4096", "--batch", "256", "--buffer", "1024", "--out", _folder["saes"]);
        trained.Length.ShouldBe(2);
        string folder = trained[1].GetProperty("folder").GetString()!;
        folder.ShouldEndWith("batchtopk-128-k8");
        trained[1].GetProperty("unexplained").GetDouble().ShouldBeInRange(0, 1);

        JsonElement inspected = Cli.Json("inspect", folder).Single();
        inspected.GetProperty("kind").GetString().ShouldBe("sparse autoencoder");
        inspected.GetProperty("hook").GetString().ShouldBe("blocks.2.hook_resid_post");
        inspected.GetProperty("latents").GetString().ShouldBe("128");

        JsonElement[] latents = Cli.Json("features", "-m", Cli.Model, "--dictionary", folder, "-p", "Tom had red balls", "--top", "0");
        latents.Length.ShouldBeGreaterThan(3);
        latents.ShouldAllBe(latent => latent.GetProperty("latent").GetInt32() < 128 && latent.GetProperty("position").GetInt32() > 0);
        Cli.Run("features", "-m", Cli.Model, "--dictionary", folder, "-p", "Tom had red balls").Lines[0].ShouldContain("active latents of 128 at blocks.2.hook_resid_post");
    }

    [Fact]
    public void Transcoders_of_harvested_activations_trace_a_prompt()
    {
        JsonElement harvested = Cli.Json("harvest", "-m", Cli.Model, "--source", _texts, "--hooks", "mlp.hook_in,mlp.hook_out", "--tokens", "1500", "--shard", "500", "--out", _folder["harvested"]).Single();
        harvested.GetProperty("files").GetInt32().ShouldBe(3);
        Cli.Json("train-dictionary", "-m", Cli.Model, "--kind", "transcoder", "--source", _folder["harvested"], "--features", "64", "--k", "8", "--tokens", "4000", "--batch", "250", "--name", "mine", "--out", _folder["set"]).Length.ShouldBe(1);
        ProgramRun run = Cli.Run("trace", "-m", Cli.Model, "-t", _folder["set"], "-p", Cli.Prompt, "--out", _folder["graph"]);
        run.ExitCode.ShouldBe(0, run.Errors);
        File.Exists(_folder["graph/graph.json"]).ShouldBeTrue();
    }

    [Theory]
    [InlineData(1, "There is no hook 'hook_nowhere'; there are hook_embed", "--hook", "hook_nowhere")]
    [InlineData(1, "A llama model has no hook", "--hook", "ln1_post.hook_scale")]
    [InlineData(1, "There is no layer 9; the model has 0 to 4", "--layers", "3-9")]
    [InlineData(1, "A cross-layer transcoder needs all of the model's layers, 0 to 4", "--kind", "cross-layer", "--layers", "1")]
    [InlineData(1, "'blocks.0.attn.hook_pattern' has a value for every pair of tokens", "--hook", "attn.hook_pattern")]
    [InlineData(2, "--features 'many' is not a list of whole numbers", "--features", "many")]
    [InlineData(2, "--activation 'softmax' is not known; known are relu, gated, jumprelu, topk, batchtopk, matryoshka", "--activation", "softmax")]
    [InlineData(2, "--kind meta needs the autoencoder", "--kind", "meta")]
    public void A_mistake_is_named(int exitCode, string message, params string[] arguments) =>
        Cli.Fails(exitCode, ["train-dictionary", "-m", Cli.Model, "--source", _texts, "--tokens", "1000", "--out", _folder["out"], .. arguments]).ShouldContain(message);

    [Fact]
    public void A_hook_that_the_model_lacks_lists_those_there_are() =>
        Cli.Fails(1, "harvest", "-m", Cli.Model, "--source", _texts, "--hooks", "blocks.1.hook_residual", "--out", _folder["h"]).ShouldContain("There is no hook 'hook_residual'; there are hook_embed");
}
