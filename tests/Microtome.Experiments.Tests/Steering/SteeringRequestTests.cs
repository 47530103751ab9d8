using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments.Tests;

public class SteeringRequestTests
{
    [Theory]
    [InlineData("happy.safetensors@2:4", "happy.safetensors", "2", SteeringOperation.Add, 4, SteeringUnit.Vector, "1-")]
    [InlineData("a/b@c:d.gguf@2-5:-1.5@3-", "a/b@c:d.gguf", "2,3,4,5", SteeringOperation.Add, -1.5, SteeringUnit.Vector, "3-")]
    [InlineData("v@2,4:8u@7", "v", "2,4", SteeringOperation.Add, 8, SteeringUnit.Length, "7")]
    [InlineData("v@all:25%@2-9", "v", "", SteeringOperation.Add, 0.25, SteeringUnit.Share, "2-9")]
    [InlineData("v@0-1,3:1e2@all", "v", "0,1,3", SteeringOperation.Add, 100, SteeringUnit.Vector, "all")]
    [InlineData("refusal.safetensors@all:ablate", "refusal.safetensors", "", SteeringOperation.Ablate, 0, SteeringUnit.Vector, "1-")]
    [InlineData("latent:3:300@3:=5", "latent:3:300", "3", SteeringOperation.Clamp, 5, SteeringUnit.Vector, "1-")]
    [InlineData("latent:3:300@3:*0@4", "latent:3:300", "3", SteeringOperation.Scale, 0, SteeringUnit.Vector, "4")]
    [InlineData("random:7@1:2", "random:7", "1", SteeringOperation.Add, 2, SteeringUnit.Vector, "1-")]
    public void A_steering_is_read_as_written(string text, string what, string layers, SteeringOperation operation, double value, SteeringUnit unit, string positions)
    {
        SteeringRequest request = SteeringRequest.Parse(text);
        request.What.ShouldBe(what);
        string.Join(',', request.Layers ?? []).ShouldBe(layers);
        request.Operation.ShouldBe(operation);
        request.Value.ShouldBe((float)value);
        request.Unit.ShouldBe(unit);
        request.Positions.ToString().ShouldBe(positions);
        request.Part.ShouldBeNull();
    }

    [Fact]
    public void A_vectors_layer_can_be_named() => SteeringRequest.Parse("v.safetensors#12@all:1").Part.ShouldBe(12);

    [Theory]
    [InlineData("", "is not WHAT@LAYERS:STRENGTH")]
    [InlineData("v", "is not WHAT@LAYERS:STRENGTH")]
    [InlineData("v@2", "is not WHAT@LAYERS:STRENGTH")]
    [InlineData("v:2", "is not WHAT@LAYERS:STRENGTH")]
    [InlineData("v@x:2", "the layers 'x' are not 2, 2-5, 2,4 or all")]
    [InlineData("v@5-2:2", "the layers '5-2' are not")]
    [InlineData("v@2,:2", "the layers '2,' are not")]
    [InlineData("v@0-99999999:2", "the layers '0-99999999' are not")]
    [InlineData("v@2:strong", "'strong' is not a strength")]
    [InlineData("v@2:NaN", "'NaN' is not a strength")]
    [InlineData("v@2:=", "'=' is not a strength")]
    [InlineData("v@2:1@9-2", "the positions '9-2' are not")]
    [InlineData("v@2:1@first", "the positions 'first' are not")]
    [InlineData("v@2:=1", "only a latent")]
    [InlineData("latent:3@3:1", "is not latent:LAYER:FEATURE")]
    [InlineData("latent:3:9@2:=1", "write @3")]
    [InlineData("random:x@1:2", "is not random:SEED")]
    public void What_is_no_steering_is_refused_with_the_reason(string text, string why) =>
        Should.Throw<ArgumentException>(() => SteeringRequest.Parse(text)).Message.ShouldContain(why);

    [Fact]
    public void Any_text_is_read_or_refused()
    {
        const string Letters = "v@:#-,=*%u0123456789alrndomte";
        Random random = new(5);
        for (int i = 0; i < 20000; i++)
        {
            string text = new([.. Enumerable.Range(0, random.Next(16)).Select(_ => Letters[random.Next(Letters.Length)])]);
            try
            {
                SteeringRequest.Parse(text);
            }
            catch (ArgumentException)
            {
            }
        }
    }

    [Fact]
    public void Each_layer_takes_its_own_direction_and_a_single_one_serves_all()
    {
        using LoadedModel model = StoriesModel.Load();
        SteeringVector several = new([KeyValuePair.Create(1, Filled(1)), KeyValuePair.Create(2, Filled(2))]), single = new([KeyValuePair.Create(3, Filled(3))]);
        SteeringResolver resolver = new(model.Specification, null, name => name == "several" ? several : single);
        IReadOnlyList<SteeringEdit> Edits(string text) => resolver.Resolve([SteeringRequest.Parse(text)]).Edits;
        Edits("several@1-2:5").Cast<Addition>().Select(edit => (edit.Layer, edit.Direction[0])).ShouldBe([(1, 1f), (2, 2f)]);
        Edits("single@0,4:5").Cast<Addition>().Select(edit => (edit.Layer, edit.Direction[0])).ShouldBe([(0, 3f), (4, 3f)]);
        Edits("several#2@all:5").Cast<Addition>().Select(edit => edit.Direction[0]).ShouldBe([2f, 2f, 2f, 2f, 2f]);
        Edits("single@all:ablate").ShouldHaveSingleItem().ShouldBeOfType<Ablation>().Embedding.ShouldBeTrue();
        Should.Throw<ArgumentException>(() => Edits("several@all:5")).Message.ShouldBe("several has no direction for layer 0; it has layers 1, 2. several#N uses that of layer N everywhere.");
        Should.Throw<ArgumentException>(() => Edits("single@7:5")).Message.ShouldContain("There is no layer 7 to steer; the model's are 0 to 4");
        Should.Throw<ArgumentException>(() => Edits("latent:1:2@1:=5")).Message.ShouldContain("needs a dictionary");
    }

    private static float[] Filled(float value) => [.. Enumerable.Repeat(value, 64)];
}
