using System.Text.Json;
using System.Text.Json.Nodes;
using Microtome.Models.Safetensors;

namespace Microtome.Models.Tests;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Shards_are_read_as_one_checkpoint()
    {
        Configuration();
        Shard("model-00001-of-00002.safetensors", "a", "b");
        Shard("model-00002-of-00002.safetensors", "c");
        Index(("a", "model-00001-of-00002.safetensors"), ("b", "model-00001-of-00002.safetensors"), ("c", "model-00002-of-00002.safetensors"));

        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);
        checkpoint.Tensors.Keys.ShouldBe(["a", "b", "c"], ignoreOrder: true);
    }

    [Fact]
    public void Every_missing_shard_is_named()
    {
        Configuration();
        Shard("model-00002-of-00003.safetensors", "b");
        Index(("a", "model-00001-of-00003.safetensors"), ("b", "model-00002-of-00003.safetensors"), ("c", "model-00003-of-00003.safetensors"));

        string message = Should.Throw<FileNotFoundException>(Open).Message;
        message.ShouldContain("lacks 2 of 3 weight files: model-00001-of-00003.safetensors, model-00003-of-00003.safetensors");
    }

    [Fact]
    public void Every_tensor_that_shards_lack_is_named()
    {
        Configuration();
        Shard("model-00001-of-00001.safetensors", "a");
        Index(("a", "model-00001-of-00001.safetensors"), ("b", "model-00001-of-00001.safetensors"), ("c", "model-00001-of-00001.safetensors"));

        string message = Should.Throw<InvalidDataException>(Open).Message;
        message.ShouldContain("2 tensors that its files lack: 'b' in model-00001-of-00001.safetensors, 'c' in");
    }

    [Theory]
    [InlineData("../x.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("sub/x.safetensors")]
    [InlineData("..")]
    [InlineData("")]
    public void An_index_that_names_a_file_elsewhere_is_refused(string shard)
    {
        Configuration();
        Index(("a", shard));
        Should.Throw<InvalidDataException>(Open).Message.ShouldContain($"names the file '{shard}'; shards must be in the same folder");
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"weight_map\": 3}")]
    [InlineData("{\"weight_map\": {\"a\": 3}}")]
    [InlineData("{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}")]
    [InlineData("{\"weight_map\":")]
    [InlineData("")]
    public void An_index_without_a_usable_map_is_refused(string index)
    {
        Configuration();
        _folder.Write("model.safetensors.index.json", index);
        Should.Throw<InvalidDataException>(Open).Message.ShouldContain("has no usable weight_map");
    }

    [Fact]
    public void A_folder_without_weights_names_what_it_lacks()
    {
        Configuration();
        Should.Throw<FileNotFoundException>(Open).Message.ShouldContain("neither model.safetensors nor model.safetensors.index.json");
    }

    [Fact]
    public void Weights_in_another_format_are_named()
    {
        Configuration();
        _folder.Write("pytorch_model.bin", "pickled");
        Should.Throw<FileNotFoundException>(Open).Message.ShouldContain("its weights (pytorch_model.bin) are not in the safetensors format");
    }

    [Fact]
    public void A_folder_without_a_configuration_says_what_a_model_is() =>
        Should.Throw<FileNotFoundException>(Open).Message.ShouldContain("a model is a folder with config.json and *.safetensors");

    [Fact]
    public void A_tensor_that_the_model_needs_and_the_checkpoint_lacks_is_named()
    {
        Configuration();
        Shard("model.safetensors", "a");
        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);
        Should.Throw<InvalidDataException>(() => new Transformer(checkpoint)).Message.ShouldContain("no tensor 'model.embed_tokens.weight', which a qwen3 model needs");
    }

    [Fact]
    public void A_damaged_index_gives_a_clear_error()
    {
        Configuration();
        Shard("model-00001-of-00001.safetensors", "a");
        Index(("a", "model-00001-of-00001.safetensors"));
        byte[] original = File.ReadAllBytes(_folder["model.safetensors.index.json"]);
        for (int seed = 0; seed < 2000; seed++)
        {
            _folder.Write("model.safetensors.index.json", Mutations.Mutate(original, seed));
            try
            {
                Checkpoint.Open(_folder.Path).Dispose();
            }
            catch (Exception exception) when (exception is InvalidDataException or FileNotFoundException)
            {
                exception.Message.ShouldContain(_folder.Path, customMessage: $"seed {seed}");
            }
        }
    }

    private Checkpoint Open() => Checkpoint.Open(_folder.Path);

    private void Configuration() => _folder.Write("config.json", TinyConfigurations.Qwen3.ToJsonString());

    private void Shard(string name, params string[] tensors)
    {
        SafetensorsWriter writer = new();
        foreach (string tensor in tensors) writer.Add(tensor, new float[2], 2);
        writer.Save(_folder[name]);
    }

    private void Index(params (string Tensor, string File)[] entries)
    {
        JsonObject map = new(entries.Select(entry => KeyValuePair.Create(entry.Tensor, (JsonNode?)entry.File)));
        _folder.Write("model.safetensors.index.json", new JsonObject { ["weight_map"] = map }.ToJsonString(JsonSerializerOptions.Default));
    }
}
