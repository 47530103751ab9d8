using Microtome.Models.Gguf;
using Microtome.Models.Safetensors;

namespace Microtome.Experiments.Tests;

public sealed class VectorFileTests : IDisposable
{
    private static readonly SteeringVector Vector = new(
        [KeyValuePair.Create(3, new[] { 1f, -2f, 0.5f }), KeyValuePair.Create(1, new[] { 0f, 1e-8f, 3f })],
        new VectorRecipe { Model = "m", Family = "llama", Method = "mean_diff", Concept = "joy", Positive = ["a", "b"], Negative = ["c", "d"], Seed = 4, Notes = new Dictionary<string, string> { ["accuracy"] = "0.9" }, Version = "v" });

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("v.safetensors")]
    [InlineData("v.gguf")]
    public void A_vector_and_its_recipe_survive_a_file(string name)
    {
        VectorFile.Save(Vector, _folder[name]);
        SteeringVector read = VectorFile.Load(_folder[name]);
        read.Directions.Keys.ShouldBe([1, 3]);
        read[1].ShouldBe(Vector[1]);
        read[3].ShouldBe(Vector[3]);
        read.Recipe.ToJson().ShouldBe(Vector.Recipe.ToJson());
    }

    [Fact]
    public void A_file_as_repeng_writes_it_is_read()
    {
        GgufWriter writer = new();
        writer.Add("general.architecture", "controlvector");
        writer.Add("controlvector.model_hint", "mistral");
        writer.Add("controlvector.layer_count", 2);
        writer.AddVector("direction.31", [1, 2]);
        writer.AddVector("direction.30", [3, 4]);
        writer.Save(_folder["r.gguf"]);
        SteeringVector read = VectorFile.Load(_folder["r.gguf"]);
        read.Directions.Keys.ShouldBe([30, 31]);
        read[30].ShouldBe([3f, 4f]);
        read.Recipe.Family.ShouldBe("mistral");
    }

    [Fact]
    public void A_written_GGUF_says_what_repeng_needs()
    {
        VectorFile.Save(Vector, _folder["v.gguf"]);
        using GgufFile file = GgufFile.Open(_folder["v.gguf"]);
        file.Text("general.architecture").ShouldBe("controlvector");
        file.Text("controlvector.model_hint").ShouldBe("llama");
        file.Metadata["controlvector.layer_count"].ShouldBe(2UL);
        file.Names.ShouldBe(["direction.1", "direction.3"]);
    }

    [Fact]
    public void Files_that_hold_no_vector_are_refused_with_the_reason()
    {
        Refused(Tensor("weights"), "holds no steering vector: no tensor is called direction.0, direction.1 and so on");
        Refused(Tensor("direction.x"), "'direction.x' names no layer");
        Refused(Tensor("direction.99999"), "'direction.99999' names no layer");
        SafetensorsWriter matrix = new();
        matrix.Add("direction.1", new float[4], 2, 2);
        matrix.Save(_folder["m.safetensors"]);
        Refused(_folder["m.safetensors"], "a direction is one vector");
        SafetensorsWriter integers = new();
        integers.Add("direction.1", new int[4], 4);
        integers.Save(_folder["i.safetensors"]);
        Refused(_folder["i.safetensors"], "directions are F32, F16 or BF16");
        SafetensorsWriter infinite = new();
        infinite.Add("direction.1", [1f, float.PositiveInfinity], 2);
        infinite.Save(_folder["n.safetensors"]);
        Refused(_folder["n.safetensors"], "elements that are not numbers");
        Refused(_folder.Path, "is a folder");
        Should.Throw<FileNotFoundException>(() => VectorFile.Load(_folder["none"])).Message.ShouldContain("There is no steering vector");
        GgufWriter model = new();
        model.Add("general.architecture", "llama");
        model.Save(_folder["model.gguf"]);
        Refused(_folder["model.gguf"], "holds a 'llama', not a 'controlvector'");
    }

    [Theory]
    [InlineData("v.safetensors")]
    [InlineData("v.gguf")]
    public void A_damaged_file_is_refused_or_read_but_never_crashes(string name)
    {
        VectorFile.Save(Vector, _folder[name]);
        byte[] good = File.ReadAllBytes(_folder[name]);
        for (int seed = 0; seed < 800; seed++)
        {
            string path = _folder.Write("damaged", Mutations.Mutate(good, seed));
            try
            {
                VectorFile.Load(path);
            }
            catch (InvalidDataException exception)
            {
                exception.Message.ShouldContain(path);
            }
        }
    }

    private void Refused(string path, string why) => Should.Throw<InvalidDataException>(() => VectorFile.Load(path)).Message.ShouldContain(why);

    private string Tensor(string name)
    {
        SafetensorsWriter writer = new();
        writer.Add(name, [1f, 2f], 2);
        writer.Save(_folder["t.safetensors"]);
        return _folder["t.safetensors"];
    }
}
