using System.IO.Compression;
using System.Text.Json;
using Microtome.Models.Tokenizers;

namespace Microtome.Models.Tests.Tokenizers;

public class ReferenceTokenizerTests
{
    public static TheoryData<string> Variants
    {
        get
        {
            using JsonDocument variants = JsonDocument.Parse(File.ReadAllText(TestFiles.Get("tokenizers/variants.json")));
            return [.. variants.RootElement.EnumerateArray().Select(variant => variant.GetProperty("name").GetString()!)];
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_component_does_what_the_reference_does(string name)
    {
        using JsonDocument variants = JsonDocument.Parse(File.ReadAllText(TestFiles.Get("tokenizers/variants.json")));
        JsonElement variant = variants.RootElement.EnumerateArray().Single(candidate => candidate.GetProperty("name").GetString() == name);
        Tokenizer tokenizer = SampleTokenizers.Changed(variant.GetProperty("base").GetString()!, variant.GetProperty("changes").GetRawText());
        variant.GetProperty("cases").EnumerateArray().SelectMany(one => ReferenceCase.Read(one).Differences(tokenizer)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("qwen3")]
    [InlineData("gemma3")]
    [InlineData("gptoss")]
    public void Published_tokenizers_give_the_reference_ids_texts_and_offsets(string name)
    {
        // Megabytes each, these are not in the repository; the variants above cover the same components.
        if (TestFiles.Find($"golden/tokenizers/{name}.json") is not string cases) return;
        using GZipStream json = new(File.OpenRead(TestFiles.Get($"golden/tokenizers/{name}.tokenizer.json.gz")), CompressionMode.Decompress);
        Tokenizer tokenizer = Tokenizer.Parse(json, name);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(cases));
        document.RootElement.EnumerateArray().SelectMany(one => ReferenceCase.Read(one).Differences(tokenizer)).ShouldBeEmpty();
    }

    [Fact]
    public void Prompts_of_stories260k_begin_with_its_beginning_of_text()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(SampleTokenizers.StoriesFolder, "greedy.json")));
        foreach (JsonElement story in document.RootElement.EnumerateArray())
        {
            int[] ids = SampleTokenizers.Stories.Encode(story.GetProperty("prompt").GetString()!, addSpecialTokens: true);
            ids.ShouldBe([.. story.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())]);
        }
    }

    [Fact]
    public void Generated_stories_decode_to_their_text()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(SampleTokenizers.StoriesFolder, "greedy.json")));
        foreach (JsonElement story in document.RootElement.EnumerateArray())
        {
            int[] ids = [.. story.GetProperty("greedy").EnumerateArray().Select(id => id.GetInt32())];
            SampleTokenizers.Stories.Decode(ids, skipSpecialTokens: true).ShouldStartWith(story.GetProperty("text").GetString()!);
        }
    }
}
