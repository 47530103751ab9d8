using Microtome.Models.Hub;

namespace Microtome.Models.Tests.Hub;

public class HubReferenceTests
{
    [Theory]
    [InlineData("google/gemma-2-2b", "google", "gemma-2-2b", null, null)]
    [InlineData("google/gemma-2-2b@v1.0", "google", "gemma-2-2b", "v1.0", null)]
    [InlineData("gpt2", null, "gpt2", null, null)]
    [InlineData("gpt2@607a30d", null, "gpt2", "607a30d", null)]
    [InlineData("lab/model/layer_3/average", "lab", "model", null, "layer_3/average")]
    [InlineData("lab/model/layer_3@refs/pr/1", "lab", "model", "refs/pr/1", "layer_3")]
    [InlineData("hf://lab/model", "lab", "model", null, null)]
    [InlineData("hf://lab/model/a/b.npz", "lab", "model", null, "a/b.npz")]
    [InlineData("hf://lab/model/a/b.npz?revision=dev", "lab", "model", "dev", "a/b.npz")]
    [InlineData("hf://lab/model/a/b.npz?revision=refs%2Fpr%2F1", "lab", "model", "refs/pr/1", "a/b.npz")]
    [InlineData("hf://lab/model/a/b.npz?revision=", "lab", "model", null, "a/b.npz")]
    [InlineData("hf://lab/model@dev/a/b.npz", "lab", "model", "dev", "a/b.npz")]
    public void A_reference_has_these_parts(string text, string? owner, string name, string? revision, string? path) =>
        HubReference.Parse(text).ShouldBe(new HubReference(owner, name, revision, path));

    [Theory]
    [InlineData("google/gemma-2-2b")]
    [InlineData("gpt2@v1")]
    [InlineData("lab/model/layer_3/average@refs/pr/1")]
    public void A_reference_is_written_as_it_was_read(string text) => HubReference.Parse(text).ToString().ShouldBe(text);

    [Theory]
    [InlineData("")]
    [InlineData("/model")]
    [InlineData("lab/")]
    [InlineData("../etc")]
    [InlineData("lab/..")]
    [InlineData("lab/a--b")]
    [InlineData("lab/-a")]
    [InlineData("lab/a.")]
    [InlineData("lab/a.git")]
    [InlineData("lab/a b")]
    [InlineData("lab/é")]
    [InlineData("lab\\model")]
    [InlineData("C:\\models\\tiny")]
    [InlineData("lab/model@")]
    [InlineData("lab/model@../../x")]
    [InlineData("lab/model@a..b")]
    [InlineData("lab/model@a:b")]
    [InlineData("lab/model@/a")]
    [InlineData("lab/model@a.lock")]
    [InlineData("lab/model/")]
    [InlineData("lab/model//a")]
    [InlineData("lab/model/../a")]
    [InlineData("lab/model/a\\b")]
    [InlineData("lab/model/a\0")]
    [InlineData("hf://model")]
    [InlineData("hf://datasets/lab/texts")]
    [InlineData("hf://lab/model@a/b?revision=c")]
    [InlineData("hf://lab/model/b?download=true")]
    public void A_text_that_breaks_the_rules_is_no_reference(string text) => HubReference.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void A_name_has_at_most_96_characters() =>
        Should.Throw<FormatException>(() => HubReference.Parse("lab/" + new string('a', 97))).Message.ShouldContain("1 to 96 characters");

    [Fact]
    public void A_path_below_a_reference_is_below_its_folder() =>
        HubReference.Parse("lab/model/layer_3@dev").Below("config.yaml").ShouldBe(new HubReference("lab", "model", "dev", "layer_3/config.yaml"));

    [Fact]
    public void A_path_below_a_reference_stays_in_the_repository() =>
        Should.Throw<ArgumentException>(() => TestHub.Model.Below("../config.yaml"));
}
