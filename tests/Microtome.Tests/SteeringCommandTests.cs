using System.Text.Json;

namespace Microtome.Tests;

public sealed class SteeringCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_vector_is_made_of_pairs_shown_converted_and_steers()
    {
        string pairs = TestFiles.Get("golden/vectors/happy-sad.json"), file = _folder["happy.safetensors"], gguf = _folder["happy.gguf"];
        Cli.Run("vector", "make", "--pairs", pairs, "-o", file).Output.ShouldBe($"Wrote {file}: mean_diff of happy-sad, layers 0, 1, 2, 3, 4\n");
        Cli.Run("vector", "show", file).Output.ShouldContain("mean_diff");
        Cli.Run("vector", "convert", file, gguf).Output.ShouldBe($"Wrote {gguf}\n");
        using JsonDocument compared = JsonDocument.Parse(Cli.Run("vector", "compare", file, gguf, "--layer", "2", "--json").Output);
        compared.RootElement.GetProperty("cosine").GetDouble().ShouldBe(1, 1e-5);

        string plain = Generate(), steered = Generate("--steer", $"{file}@2:8u"), same = Generate("--steer", $"{gguf}@2:8u");
        steered.ShouldNotBe(plain);
        same.ShouldBe(steered);
        Generate("--steer", $"{file}@2:0").ShouldBe(plain);

        string Generate(params string[] more) => Cli.Run(["generate", "--prompt", "Tom went to the park. He was", "--max-tokens", "12", .. more]).Output;
    }

    [Fact]
    public void Several_words_make_a_folder_of_vectors()
    {
        Cli.Run("vector", "make", "--words", "dog", "sun", "--layers", "2-3", "-o", _folder["concepts"]).Lines.Length.ShouldBe(2);
        Directory.GetFiles(_folder["concepts"]).Select(Path.GetFileName).Order().ShouldBe(["dog.safetensors", "sun.safetensors"]);
        Cli.Run("vector", "show", Path.Combine(_folder["concepts"], "dog.safetensors"), "--json").Output.ShouldContain("\"concept\":\"dog\"");
        Cli.Run("vector", "make", "--random", "3", "8", "--like", Path.Combine(_folder["concepts"], "dog.safetensors"), "-o", _folder["placebos"]).Lines.Length.ShouldBe(2);
        Directory.GetFiles(_folder["placebos"]).Select(Path.GetFileName).Order().ShouldBe(["random-3.safetensors", "random-8.safetensors"]);
    }

    [Fact]
    public void A_probe_says_how_well_it_tells_held_out_texts_apart() =>
        Cli.Run("vector", "make", "--pairs", TestFiles.Get("golden/vectors/happy-sad.json"), "--method", "probe", "-o", _folder["p.safetensors"]).Output.ShouldContain("held-out accuracy, layer 4: ");

    [Fact]
    public void Two_lists_of_texts_give_a_probe_and_cut_endings_many_pairs()
    {
        string happy = _folder.Write("happy.txt", string.Join('\n', "abcdefg".Select(c => $"{c} was happy and smiled"))), sad = _folder.Write("sad.json", "[\"a was sad\", \"b was sad\", \"c was sad\", \"d was sad\", \"e was sad\"]");
        string[] lines = Cli.Run("vector", "make", "--texts", happy, sad, "--method", "probe", "-o", _folder["p.safetensors"]).Lines;
        lines[0].ShouldEndWith("probe of happy, not sad, layers 0, 1, 2, 3, 4");
        lines[^1].ShouldContain("0.583: what always naming it gets right");
        Cli.Fails(2, "vector", "make", "--texts", happy, "-o", _folder["p"]).ShouldContain("--texts needs two files");
        Cli.Fails(2, "vector", "make", "--texts", happy, sad, "--method", "pca_diff", "-o", _folder["p"]).ShouldContain("takes pairs");
        Cli.Fails(1, "vector", "make", "--texts", happy, _folder["none"], "-o", _folder["p"]).ShouldContain("There is no list of texts");

        string endings = _folder.Write("endings.txt", "I think that"), templates = _folder.Write("templates.txt", "A {persona} girl said");
        Cli.Run("vector", "make", "--personas", "happy", "sad", "--truncations", "1", "--templates", templates, "--endings", endings, "-o", _folder["cut.safetensors"]);
        Cli.Run("vector", "show", _folder["cut.safetensors"], "--json").Output.ShouldContain("\"A happy girl said I\",\"A happy girl said I th");
        Cli.Fails(2, "vector", "make", "--pairs", endings, "--truncations", "1", "-o", _folder["p"]).ShouldContain("--truncations cuts the endings of --personas");
    }

    [Fact]
    public void A_vector_is_trained_so_that_texts_follow()
    {
        string examples = _folder.Write("e.json", """[{"prompt": "Tom was", "target": " sad"}, {"prompt": "She was", "target": " sad"}]""");
        Cli.Run("vector", "make", "--train", examples, "--layers", "2", "--steps", "20", "-o", _folder["t.safetensors"]).Output.ShouldContain("loss, nats a token: ");
        Cli.Fails(2, "vector", "make", "--train", examples, "-o", _folder["t.safetensors"]).ShouldContain("--train needs the layers to train at");
    }

    [Fact]
    public void Latents_near_a_vector_are_found()
    {
        Cli.Run("vector", "make", "--latents", "3:300", "3:7*0.5", "-o", _folder["sum.safetensors"]);
        string[] lines = Cli.Run("vector", "compare", _folder["sum.safetensors"], "--latents", "--top", "2", "--json").Lines;
        using JsonDocument nearest = JsonDocument.Parse(lines[0]);
        nearest.RootElement.GetProperty("feature").GetInt32().ShouldBe(300);
    }

    [Fact]
    public void Latents_of_an_autoencoder_steer_everywhere_and_become_vectors()
    {
        string model = Path.Combine(TestFiles.Repository, "models", "small-world"), folder = Path.Combine($"{model}-autoencoders", "batchtopk-256-k16"), off = $"{folder}#60@2:*0@7-", vector = _folder["latent.safetensors"];
        string[] prompt = ["-m", model, "--prompt", "The capital of the state containing Dallas is"];
        Cli.Run(["generate", .. prompt, "--max-tokens", "1"]).Output.ShouldContain(" Austin");
        Cli.Run(["generate", .. prompt, "--max-tokens", "1", "--steer", off]).Output.ShouldNotContain(" Austin");
        Cli.Run(["trace", .. prompt, "-t", $"{model}-transcoders", "--max-features", "40", "--steer", off]).Output.ShouldContain("steering");
        Cli.Run(["features", .. prompt, "--dictionary", folder, "--position", "7", "--top", "0", "--json"]).Output.ShouldContain("\"latent\":60,");
        Cli.Run(["features", .. prompt, "--dictionary", folder, "--position", "7", "--top", "0", "--json", "--steer", off]).Output.ShouldNotContain("\"latent\":60,");
        Cli.Run("chat", "-m", model, "--message", "Is it?", "--max-tokens", "2", "--json", "--steer", off).Output.ShouldContain("\"answer\"");

        Cli.Run("vector", "make", "--dictionary", folder, "--latents", "60", "7*-0.5", "-o", vector).Output.ShouldContain("latents of 60 + -0.5 · 7, layer 2");
        Cli.Run("vector", "compare", vector, "--dictionary", folder, "--top", "1", "--json").Output.ShouldContain("\"feature\":60,");
        Cli.Fails(1, "vector", "compare", vector, "--dictionary", folder, "--layer", "2", "--index", _folder["none"]).ShouldContain("There is no feature index");
        Cli.Fails(1, "generate", "-m", model, "--prompt", "Is it?", "-t", folder, "--steer", "latent:2:60@2:=5").ShouldContain("holds an autoencoder, where a set of transcoders is needed");
        Cli.Fails(1, "vector", "make", "--dictionary", $"{model}-transcoders", "--latents", "60", "-o", vector).ShouldContain("holds transcoders, where one autoencoder is needed");
        Cli.Fails(2, "vector", "make", "--dictionary", folder, "--words", "dog", "-o", vector).ShouldContain("--dictionary is where --latents come from");
    }

    [Fact]
    public void Texts_ways_through_the_layers_are_drawn()
    {
        Cli.Run("vector", "plot", "--pairs", TestFiles.Get("golden/vectors/happy-sad.json"), "--layer", "2", "-o", _folder["t.svg"]).Output.ShouldContain("64 texts");
        File.ReadAllText(_folder["t.svg"]).ShouldContain("<svg");
        File.Exists(_folder["t.vl.json"]).ShouldBeTrue();
        string happy = _folder.Write("happy.txt", "Tom was happy\nSue was happy"), sad = _folder.Write("sad.txt", "Tom was sad");
        Cli.Run("vector", "plot", "--texts", happy, sad, "-o", _folder["u.svg"]).Output.ShouldContain("3 texts");
        File.ReadAllText(_folder["u.svg"]).ShouldContain("happy, sad through stories260k");
        Cli.Fails(2, "vector", "plot", "-o", _folder["u.svg"]).ShouldContain("Give the texts: pairs with --pairs, or lists with --texts.");
    }

    [Fact]
    public void What_steering_cannot_do_is_said()
    {
        ProgramRun far = Cli.Run("generate", "--prompt", "Lily had a", "--max-tokens", "2", "--steer", "random:1@2:1@900");
        far.Errors.ShouldContain("warning: the positions 900 of random:1 were never reached");
        Cli.Run("features", "--prompt", "Lily had a", "--steer", "random:1@2:1@900-").Errors.ShouldContain("positions 900- of random:1 were never reached");
        Cli.Run("generate", "--prompt", "Lily had a", "--max-tokens", "2", "--steer", "random:1@2:1e38").Errors.ShouldContain("Steer less strongly");
    }

    [Fact]
    public void A_steered_trace_has_nodes_for_what_was_added()
    {
        ProgramRun run = Cli.Run("trace", "--prompt", "Lily had a", "--steer", "random:1@2:30@2-", "--paths", "0", "--json");
        using JsonDocument trace = JsonDocument.Parse(run.Output);
        trace.RootElement.GetProperty("steering_nodes").GetInt32().ShouldBe(trace.RootElement.GetProperty("tokens").GetArrayLength() - 2);
        run.Errors.ShouldContain("warning: what is added is");
    }

    [Fact]
    public void Features_of_a_steered_prompt_differ()
    {
        string Run(params string[] more) => Cli.Run(["features", "--prompt", "Lily had a", "--layer", "3", "--json", .. more]).Output;
        Run("--steer", "random:1@2:3").ShouldNotBe(Run());
        Run("--steer", "random:1@3:3").ShouldBe(Run()); // only later layers see it
    }

    [Fact]
    public void A_model_without_a_chat_template_is_spoken_to_in_plain_text_and_says_so()
    {
        ProgramRun run = Cli.Run("chat", "--message", "Hello", "--prefill", "Once upon", "--max-tokens", "6");
        run.Output.ShouldStartWith("Once upon a time");
        run.Errors.ShouldContain("stories260k has no chat template");
        Cli.Run("chat", "--message", "Hello", "--system", "Be kind.", "--show-prompt").Output.ShouldBe("Be kind.\n\nUser: Hello\nAssistant:\n");
    }

    [Fact]
    public void A_chat_template_of_the_checkpoint_is_used()
    {
        string model = Path.Combine(TestFiles.Repository, "models", "stories260k");
        foreach (string file in Directory.GetFiles(model)) File.Copy(file, _folder[Path.GetFileName(file)]);
        _folder.Write("chat_template.jinja", "{% for m in messages %}[{{ m.role }}] {{ m.content | trim }}\n{% endfor %}{% if add_generation_prompt %}[{{ name | default('it') }}]{% endif %}");
        Cli.Run("chat", "-m", _folder.Path, "--message", " Hi ", "--template-set", "name=Lily", "--show-prompt").Output.ShouldBe("[user] Hi\n[Lily]\n");
        Cli.Run("chat", "-m", _folder.Path, "--message", "Hi", "--prefill", "Yes,", "--show-prompt").Output.ShouldBe("[user] Hi\n[assistant] Yes,\n");
        _folder.Write("chat_template.jinja", "\n{% include 'x' %}");
        ProgramRun refused = Cli.Run("chat", "-m", _folder.Path, "--message", "Hi");
        refused.ExitCode.ShouldBe(1);
        refused.Errors.ShouldContain("line 2: the statement 'include' is not supported");
    }

    [Theory]
    [InlineData(1, "There is no layer 9 to steer; the model's are 0 to 4.", "generate", "--prompt", "Hi", "--steer", "random:1@9:5")]
    [InlineData(1, "There is no steering vector nothing.", "generate", "--prompt", "Hi", "--steer", "nothing@2:5")]
    [InlineData(1, "Layer 3 has no latent 9999; it has 0 to 767.", "generate", "--prompt", "Hi", "--steer", "latent:3:9999@3:=5")]
    [InlineData(2, "'v@2' is not WHAT@LAYERS:STRENGTH", "generate", "--prompt", "Hi", "--steer", "v@2")]
    [InlineData(2, "Say what the vector is made of", "vector", "make", "-o", "x")]
    [InlineData(2, "--personas needs two", "vector", "make", "--personas", "happy", "-o", "x")]
    [InlineData(1, "'3' is not LAYER:FEATURE", "vector", "make", "--latents", "3", "-o", "x")]
    [InlineData(2, "--template-set 'x' is not NAME=VALUE", "chat", "--message", "Hi", "--template-set", "x")]
    public void Mistakes_are_said_in_a_line(int code, string message, params string[] arguments)
    {
        ProgramRun run = Cli.Run(arguments);
        run.ExitCode.ShouldBe(code);
        run.Errors.ShouldContain(message);
        run.Errors.ShouldNotContain("   at ");
    }
}
