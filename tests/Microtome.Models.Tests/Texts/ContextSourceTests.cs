namespace Microtome.Models.Tests;

public sealed class ContextSourceTests : IDisposable
{
    private const int Begin = 1;
    private readonly TemporaryFolder _folder = new();
    private readonly Checkpoint _checkpoint = Checkpoint.Open(Path.Combine(TestFiles.Repository, "models", "stories260k"));
    private readonly PromptEncoder _prompts;

    public ContextSourceTests() => _prompts = PromptEncoder.Load(_checkpoint.Folder, _checkpoint.Specification);

    public void Dispose()
    {
        _checkpoint.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Documents_are_cut_into_contexts_that_begin_like_a_text()
    {
        string file = _folder.Write("a.txt", "Tom had a ball and he went to the park to play with Sue.\n<|endoftext|>\nHi.\n\n<|endoftext|>\n<|endoftext|>\nThe end");
        TokenContext[] contexts = [.. new TextContexts(file, _prompts, 8).Read()];

        contexts.ShouldAllBe(context => context.Tokens[0] == Begin && context.Tokens.Length <= 8);
        contexts.Select(context => context.Id).ShouldBe(Enumerable.Range(0, contexts.Length).Select(id => (long)id));
        contexts.Select(context => context.Document).Distinct().ShouldBe([0L, 1, 2]);
        string.Concat(contexts.Where(context => context.Document == 0).SelectMany(context => context.Tokens.Skip(1)).Select(_prompts.TextOf)).Trim().ShouldBe("Tom had a ball and he went to the park to play with Sue.");
    }

    [Fact]
    public void Reading_from_a_number_on_gives_the_rest()
    {
        string file = _folder.Write("a.txt", string.Join("\n<|endoftext|>\n", Enumerable.Range(0, 20).Select(i => $"Tom saw {new string('a', i)} dogs in the park.")));
        TextContexts source = new(file, _prompts, 6);
        TokenContext[] all = [.. source.Read()];

        TokenContext[] rest = [.. source.Read(7)];
        rest.Select(context => (context.Id, context.Document, string.Join(' ', context.Tokens))).ShouldBe(all.Skip(7).Select(context => (context.Id, context.Document, string.Join(' ', context.Tokens))));
    }

    [Fact]
    public void A_folders_files_are_read_by_name_and_JSON_lines_by_their_text()
    {
        _folder.Write("b.jsonl", "{\"text\": \"two\"}\n\n{\"text\": \"three\", \"more\": 1}\n");
        _folder.Write("a.txt", "one");
        _folder.Write("c.bin", "nothing");
        TokenContext[] contexts = [.. new TextContexts(_folder.Path, _prompts, 64).Read()];
        contexts.Select(context => _prompts.Decode(context.Tokens).Trim()).ShouldBe(["one", "two", "three"]);
    }

    [Fact]
    public void A_text_of_one_endless_line_is_read_in_pieces()
    {
        string words = string.Concat(Enumerable.Repeat("abc ", 60_000));
        TokenContext[] contexts = [.. new TextContexts(_folder.Write("a.txt", words), _prompts, 128).Read()];
        contexts.ShouldAllBe(context => context.Document == 0);
        contexts.Sum(context => context.Tokens.Length).ShouldBeGreaterThan(60_000);
    }

    [Theory]
    [InlineData("a.jsonl", "{\"text\": \"a\"}\n[1]\n", "line 2 is not a JSON object with a \"text\"")]
    [InlineData("a.jsonl", "{\"text\": 5}\n", "line 1")]
    [InlineData("a.jsonl", "{\"text\": \"\\ud800", "line 1")]
    public void A_line_that_is_no_document_is_named(string name, string content, string reason) =>
        Should.Throw<InvalidDataException>(() => new TextContexts(_folder.Write(name, content), _prompts, 64).Read().Count()).Message.ShouldContain(reason);

    [Fact]
    public void Texts_that_the_model_writes_depend_on_the_seed_and_their_number_alone()
    {
        using LoadedModel model = new("stories", _checkpoint, new Transformer(_checkpoint), _prompts);
        string[] first = [.. Texts(new SampledContexts(model, Begin, 24, 1)).Take(40)];

        Texts(new SampledContexts(model, Begin, 24, 1), from: 35).Take(5).ShouldBe(first[35..]);
        Texts(new SampledContexts(model, Begin, 24, 2)).Take(40).ShouldNotBe(first);
        first.Distinct().Count().ShouldBe(40);
    }

    private static IEnumerable<string> Texts(SampledContexts source, long from = 0) => source.Read(from).Select(context => $"{context.Id}: {string.Join(' ', context.Tokens)}");
}
