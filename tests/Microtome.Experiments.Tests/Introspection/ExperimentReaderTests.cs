namespace Microtome.Experiments.Tests.Introspection;

public class ExperimentReaderTests
{
    [Fact]
    public void A_short_file_has_good_defaults()
    {
        ExperimentSettings settings = ExperimentReader.Parse("experiment: injected-thought", "f.yaml");
        settings.Kind.ShouldBe(ExperimentKind.InjectedThought);
        settings.Concepts.Count.ShouldBeGreaterThan(7);
        settings.Placebos.ShouldBeGreaterThan(7);
        settings.Texts("ask").Count.ShouldBe(1);
        settings.Yes.ShouldContain(" yes");
    }

    [Fact]
    public void Everything_that_a_file_says_is_read()
    {
        ExperimentSettings settings = ExperimentReader.Parse("""
            experiment: which-thought
            title: A title
            model: some/model
            concepts:
              - sea
              - { name: fire, file: fire.safetensors }
              - name: joy
                latents: [[3, 142], [4, 7, 0.5]]
            vector: { templates: ["a {word}"], baseline: [x, y] }
            layers: [1, 3-4]
            strengths: [0.5, 8]
            unit: length
            positions: question
            placebos: 3
            seed: 7
            resamples: 500
            options: 3
            answers: { yes: [ja], no: nein }
            prompts:
              context: "Hello."
              ask: ["Which {options}?"]
            """, "f.yaml");
        settings.Title.ShouldBe("A title");
        settings.Concepts[1].File.ShouldBe("fire.safetensors");
        settings.Concepts[2].Latents.ShouldBe([(3, 142, 1f), (4, 7, 0.5f)]);
        settings.VectorTemplates.ShouldBe(["a {word}"]);
        settings.BaselineWords.ShouldBe(["x", "y"]);
        settings.Layers.ShouldBe("1,3-4");
        settings.Strengths.ShouldBe([0.5, 8]);
        settings.Unit.ShouldBe(SteeringUnit.Length);
        (settings.Positions, settings.Placebos, settings.Seed, settings.Resamples).ShouldBe(("question", 3, 7, 500));
        settings.Number("options").ShouldBe(3);
        settings.Number("draws").ShouldBe(2);
        settings.Yes.ShouldBe(["ja"]);
        settings.No.ShouldBe(["nein"]);
        settings.Text("context").ShouldBe("Hello.");
        settings.Text("template").ShouldContain("{question}");
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("title: x", "no experiment")]
    [InlineData("experiment: telepathy", "f.yaml:1: there is no experiment 'telepathy'")]
    [InlineData("experiment: injected-thought\nstrenghts: [1]", "f.yaml:2: there is no key 'strenghts'")]
    [InlineData("experiment: injected-thought\nprompts:\n  asks: [x]", "f.yaml:3: there is no key 'asks'")]
    [InlineData("experiment: injected-thought\nprompts:\n  sentences: [x]", "f.yaml:3: there is no key 'sentences'")]
    [InlineData("experiment: injected-thought\nstrengths: [1, many]", "f.yaml:2: 'many' is not a number")]
    [InlineData("experiment: injected-thought\nstrengths: []", "f.yaml:2: this list is empty")]
    [InlineData("experiment: injected-thought\nstrengths: [0]", "above 0")]
    [InlineData("experiment: injected-thought\nstrengths: [.nan]", "is not a number")]
    [InlineData("experiment: injected-thought\nplacebos: 1.5", "whole number")]
    [InlineData("experiment: injected-thought\nplacebos: 1e99", "whole number")]
    [InlineData("experiment: injected-thought\nunit: furlongs", "there is no unit 'furlongs'")]
    [InlineData("experiment: injected-thought\nconcepts: [sea, sea]", "there twice")]
    [InlineData("experiment: injected-thought\nstrengths: [0.5, 2, 0.5]", "f.yaml:2: the strength 0.5 is there twice")]
    [InlineData("experiment: injected-thought\nconcepts: [{file: x}]", "needs a name")]
    [InlineData("experiment: injected-thought\nconcepts: [{name: x, latents: [[1]]}]", "a latent is [layer, latent]")]
    [InlineData("experiment: injected-thought\nprompts: {context: [a, b]}", "one text")]
    [InlineData("experiment: injected-thought\nexperiment: injected-thought", "f.yaml:2")]
    [InlineData("- a\n- b", "keys and values")]
    [InlineData("experiment: [", "f.yaml:")]
    [InlineData("experiment: {a: {b: [c]}}", "here should be a text")]
    public void Mistakes_are_named_with_their_line(string text, string message) =>
        Should.Throw<InvalidDataException>(() => ExperimentReader.Parse(text, "f.yaml")).Message.ShouldContain(message);

    [Fact]
    public void Deeply_nested_text_is_refused() =>
        Should.Throw<InvalidDataException>(() => ExperimentReader.Parse("experiment: " + new string('[', 100_000), "f.yaml")).Message.ShouldContain("f.yaml");

    [Theory]
    [InlineData("all", 4, new[] { 0, 1, 2, 3 })]
    [InlineData("3", 4, new[] { 3 })]
    [InlineData("1-2", 4, new[] { 1, 2 })]
    [InlineData("2, 0-1", 4, new[] { 0, 1, 2 })]
    [InlineData("25%-75%", 9, new[] { 2, 3, 4, 5, 6 })]
    [InlineData("spread 8", 5, new[] { 0, 1, 2, 3 })]
    [InlineData("spread 2", 9, new[] { 2, 6 })]
    [InlineData("spread 1", 6, new[] { 2 })]
    [InlineData("spread 8", 1, new[] { 0 })]
    public void Layers_are_chosen_as_written(string text, int layers, int[] expected) => LayerChoice.Parse(text, layers).ShouldBe(expected);

    [Theory]
    [InlineData("7", "There is no layer 7; the model's are 0 to 4.")]
    [InlineData("3-5", "There is no layer 5")]
    [InlineData("4-2", "backwards")]
    [InlineData("some", "names no layers")]
    [InlineData("", "names no layers")]
    [InlineData("120%", "names no layers")]
    public void Layers_that_there_are_not_are_refused(string text, string message) =>
        Should.Throw<ArgumentException>(() => LayerChoice.Parse(text, 5)).Message.ShouldContain(message);

    [Fact]
    public void The_schema_knows_the_keys_that_the_reader_knows()
    {
        System.Text.Json.JsonElement properties = System.Text.Json.JsonDocument.Parse(ExperimentSchema.Text).RootElement.GetProperty("properties");
        properties.EnumerateObject().Select(property => property.Name).Order().ShouldBe(ExperimentReader.CommonKeys.Concat(ExperimentKind.All.SelectMany(kind => kind.Numbers).Select(number => number.Name)).Distinct().Order());
        properties.GetProperty("prompts").GetProperty("properties").EnumerateObject().Select(property => property.Name).Order().ShouldBe(ExperimentKind.All.SelectMany(kind => kind.Prompts).Select(prompt => prompt.Name).Distinct().Order());
        File.ReadAllText(Path.Combine(TestFiles.Repository, "docs", "experiment.schema.json")).ShouldBe(ExperimentSchema.Text);
    }
}
