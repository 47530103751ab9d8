using System.Text;
using System.Text.Json;
using Microtome.Models.Hub;

namespace Microtome.Models.Tests.Hub;

public sealed class HubRefusalTests : IDisposable
{
    private readonly TestHub hub = new();

    public void Dispose() => hub.Dispose();

    [Fact]
    public async Task An_unknown_repository_is_named() =>
        (await RefusalAsync("lab/other")).ShouldContain("has no model lab/other");

    [Fact]
    public async Task An_unknown_revision_is_named() =>
        (await RefusalAsync("lab/model@dev")).ShouldContain("lab/model has no revision 'dev'");

    [Fact]
    public async Task An_unknown_file_is_named() =>
        (await FileRefusalAsync("lab/model/nothing.json")).ShouldContain("has no file 'nothing.json'");

    [Fact]
    public async Task An_unknown_file_is_noted_as_other_tools_do()
    {
        await FileRefusalAsync("lab/model/nothing.json");
        File.Exists(Path.Combine(hub.RepositoryFolder, ".no_exist", TestHub.Commit, "nothing.json")).ShouldBeTrue();
    }

    [Fact]
    public async Task Patterns_that_match_nothing_are_answered_with_what_there_is()
    {
        using HubClient client = hub.Client();
        HubException e = await Should.ThrowAsync<HubException>(() => client.DownloadAsync(TestHub.Model, ["*.gguf"]));
        e.Message.ShouldContain("no file that matches *.gguf. It has 'config.json', 'model.safetensors'.");
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task A_gated_model_leads_to_the_page_of_its_licence(int status)
    {
        hub.FailAlways("/api/", _ => Reply.Of(status, ("X-Error-Code", "GatedRepo")));
        (await RefusalAsync("lab/model")).ShouldContain($"accept its licence at {hub.Site.Address}lab/model");
    }

    [Fact]
    public async Task Without_a_token_a_refusal_tells_how_to_set_one()
    {
        hub.FailAlways("/api/", _ => Reply.Of(401));
        (await RefusalAsync("lab/model")).ShouldContain("set HF_TOKEN");
    }

    [Fact]
    public async Task With_a_token_a_refusal_says_that_it_may_be_expired()
    {
        hub.FailAlways("/api/", _ => Reply.Of(403));
        (await RefusalAsync("lab/model", o => o with { Token = "hf_x" })).ShouldContain("may be expired");
    }

    [Fact]
    public async Task A_refusal_shows_what_the_server_says_without_control_characters()
    {
        hub.FailAlways("/api/", _ => Reply.Of(403, ("X-Error-Message", "No\u001b[31m entry")));
        (await RefusalAsync("lab/model")).ShouldContain("The server says: 'No\uFFFD[31m entry'.");
    }

    [Fact]
    public async Task A_refusal_does_not_show_the_token()
    {
        hub.FailAlways("/api/", _ => Reply.Of(401));
        (await RefusalAsync("lab/model", o => o with { Token = "hf_secret" })).ShouldNotContain("hf_secret");
    }

    [Theory]
    [InlineData("../outside.safetensors")]
    [InlineData("a/../../../../outside.safetensors")]
    [InlineData("/tmp/outside.safetensors")]
    [InlineData("a\\..\\outside.safetensors")]
    [InlineData("C:/outside.safetensors")]
    [InlineData("a//outside.safetensors")]
    [InlineData("./outside.safetensors")]
    [InlineData("a\0.safetensors")]
    [InlineData("a\n.safetensors")]
    public async Task A_file_name_that_leads_elsewhere_is_refused_before_anything_is_fetched(string name)
    {
        hub.Add(name, [1]);
        using HubClient client = hub.Client();
        HubException e = await Should.ThrowAsync<HubException>(() => client.DownloadAsync(TestHub.Model, ["**"]));
        e.Message.ShouldContain("is refused");
        hub.ContentRequests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("../../outside")]
    [InlineData("main")]
    [InlineData("0123456789ABCDEF0123456789ABCDEF01234567")]
    public async Task A_commit_that_is_none_is_refused(string commit)
    {
        hub.FailAlways("/api/", _ => new Reply(200, JsonSerializer.SerializeToUtf8Bytes(new { sha = commit, siblings = Array.Empty<object>() })));
        (await RefusalAsync("lab/model")).ShouldContain("as the commit of lab/model");
    }

    [Theory]
    [InlineData("../../outside")]
    [InlineData("abc")]
    [InlineData(".lock")]
    public async Task A_hash_that_is_none_is_refused(string tag)
    {
        hub.FailAlways("HEAD /lab", _ => Reply.Of(200, ("X-Repo-Commit", TestHub.Commit), ("ETag", $"\"{tag}\"")));
        (await RefusalAsync("lab/model")).ShouldContain($"'{tag}' as the ETag");
    }

    [Fact]
    public async Task Another_commit_than_the_one_asked_for_is_refused()
    {
        hub.FailAlways("HEAD /lab", _ => Reply.Of(200, ("X-Repo-Commit", new string('b', 40)), ("ETag", $"\"{new string('a', 40)}\"")));
        (await RefusalAsync("lab/model")).ShouldContain($"gives commit {new string('b', 40)} instead of {TestHub.Commit}");
    }

    [Fact]
    public async Task A_huge_description_is_refused_by_its_declared_length()
    {
        hub.FailAlways("/api/", _ => new Reply(200, []) { DeclaredLength = 1L << 40 });
        (await RefusalAsync("lab/model")).ShouldContain("more than 32 MiB");
    }

    [Fact]
    public async Task A_huge_description_without_a_declared_length_is_refused()
    {
        byte[] chunks = [.. Encoding.ASCII.GetBytes($"{33 << 20:x}\r\n"), .. new byte[33 << 20], .. Encoding.ASCII.GetBytes("\r\n0\r\n\r\n")];
        hub.FailAlways("/api/", _ => new Reply(200, chunks) { Headers = { ["Transfer-Encoding"] = "chunked" } });
        (await RefusalAsync("lab/model")).ShouldContain("more than 32 MiB");
    }

    [Theory]
    [InlineData("<html>")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"sha": 1, "siblings": []}""")]
    [InlineData("""{"sha": "0123456789abcdef0123456789abcdef01234567", "siblings": [1]}""")]
    public async Task A_description_that_is_none_is_refused(string text)
    {
        hub.FailAlways("/api/", _ => new Reply(200, Encoding.UTF8.GetBytes(text)));
        (await RefusalAsync("lab/model")).ShouldContain("not what the Hub sends");
    }

    [Fact]
    public async Task Redirects_in_a_circle_end()
    {
        hub.FailAlways("/api/", r => Reply.Of(302, ("Location", r.Target)));
        (await RefusalAsync("lab/model")).ShouldContain("redirects more than 10 times");
    }

    [Fact]
    public async Task A_redirect_to_a_file_of_this_computer_is_refused()
    {
        hub.FailAlways("/api/", _ => Reply.Of(302, ("Location", "file:///etc/passwd")));
        (await RefusalAsync("lab/model")).ShouldContain("not secure");
    }

    [Fact]
    public async Task A_cache_that_cannot_be_written_is_named()
    {
        string file = Path.Combine(hub.CacheFolder, "file");
        File.WriteAllText(file, "");
        (await RefusalAsync("lab/model", o => o with { CacheFolder = Path.Combine(file, "hub") })).ShouldContain("Set HF_HUB_CACHE");
    }

    [Fact]
    public void A_token_that_would_break_the_request_is_refused() =>
        Should.Throw<ArgumentException>(() => hub.Client(o => o with { Token = "a\r\nX: y" })).Message.ShouldContain("HF_TOKEN");

    private async Task<string> RefusalAsync(string reference, Func<HubOptions, HubOptions>? change = null)
    {
        using HubClient client = hub.Client(change);
        return (await Should.ThrowAsync<HubException>(() => client.DownloadAsync(HubReference.Parse(reference), ["*"]))).Message;
    }

    private async Task<string> FileRefusalAsync(string reference)
    {
        using HubClient client = hub.Client();
        return (await Should.ThrowAsync<HubException>(() => client.DownloadFileAsync(HubReference.Parse(reference)))).Message;
    }
}
