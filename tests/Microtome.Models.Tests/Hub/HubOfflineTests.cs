using Microtome.Models.Hub;

namespace Microtome.Models.Tests.Hub;

public sealed class HubOfflineTests : IDisposable
{
    private readonly TestHub hub = new();
    private readonly HubClient offline;

    public HubOfflineTests() => offline = hub.Client(o => o with { Offline = true });

    public void Dispose()
    {
        offline.Dispose();
        hub.Dispose();
    }

    [Fact]
    public async Task What_is_in_the_cache_is_found_without_a_request()
    {
        await FillAsync();
        int before = hub.Site.Requests.Count;
        (await offline.DownloadAsync(TestHub.Model, ["*.safetensors"])).ShouldBe(hub.Snapshot().TrimEnd('/'));
        (await offline.DownloadFileAsync(TestHub.Model.Below("config.json"))).ShouldBe(hub.Snapshot("config.json"));
        hub.Site.Requests.Count.ShouldBe(before);
    }

    [Theory]
    [InlineData(TestHub.Commit)]
    [InlineData("0123456789")]
    public async Task A_full_or_shortened_commit_is_found(string revision)
    {
        await FillAsync();
        offline.FindInCache(new HubReference("lab", "model", revision)).ShouldBe(hub.Snapshot().TrimEnd('/'));
    }

    [Fact]
    public async Task A_shortened_commit_that_fits_two_is_not_found()
    {
        await FillAsync();
        Directory.CreateDirectory(hub.Snapshot(commit: "0123456789" + new string('f', 30)));
        offline.FindInCache(new HubReference("lab", "model", "0123456789")).ShouldBeNull();
    }

    [Fact]
    public async Task A_missing_model_is_named_with_the_way_to_get_it()
    {
        HubException e = await Should.ThrowAsync<HubException>(() => offline.DownloadAsync(TestHub.Model, ["*"]));
        e.Message.ShouldContain("of lab/model is not in the cache");
        e.Message.ShouldContain("Unset HF_HUB_OFFLINE");
    }

    [Fact]
    public async Task A_missing_file_is_named()
    {
        await FillAsync();
        HubException e = await Should.ThrowAsync<HubException>(() => offline.DownloadFileAsync(TestHub.Model.Below("other.json")));
        e.Message.ShouldContain("The file other.json of lab/model");
    }

    [Fact]
    public async Task A_file_that_the_commit_is_known_to_lack_is_said_to_be_lacking()
    {
        await FillAsync();
        using (HubClient online = hub.Client())
            await Should.ThrowAsync<HubException>(() => online.DownloadFileAsync(TestHub.Model.Below("other.json")));
        HubException e = await Should.ThrowAsync<HubException>(() => offline.DownloadFileAsync(TestHub.Model.Below("other.json")));
        e.Message.ShouldContain("lab/model has no file 'other.json'");
    }

    [Fact]
    public async Task A_link_whose_blob_is_gone_is_not_found()
    {
        await FillAsync();
        File.Delete(hub.Blob(TestHub.Weights, isLarge: true));
        await Should.ThrowAsync<HubException>(() => offline.DownloadAsync(TestHub.Model, ["*.safetensors"]));
    }

    [Fact]
    public void A_ref_that_leads_elsewhere_is_not_followed()
    {
        Directory.CreateDirectory(Path.Combine(hub.RepositoryFolder, "refs"));
        File.WriteAllText(Path.Combine(hub.RepositoryFolder, "refs", "main"), "../../../");
        offline.FindInCache(TestHub.Model).ShouldBeNull();
    }

    [Fact]
    public async Task A_hub_that_is_down_leaves_what_is_in_the_cache()
    {
        await FillAsync();
        hub.Site.Dispose();
        using HubClient online = hub.Client();
        (await online.DownloadAsync(TestHub.Model, ["*"])).ShouldBe(hub.Snapshot().TrimEnd('/'));
        (await online.DownloadFileAsync(TestHub.Model.Below("config.json"))).ShouldBe(hub.Snapshot("config.json"));
    }

    [Fact]
    public async Task A_hub_that_is_down_is_named_when_the_cache_is_empty()
    {
        using HubClient online = hub.Client();
        hub.Site.Dispose();
        HubException e = await Should.ThrowAsync<HubException>(() => online.DownloadAsync(TestHub.Model, ["*"]));
        e.Message.ShouldContain("127.0.0.1 cannot be reached");
    }

    [Fact]
    public async Task A_refusal_mentions_files_of_before()
    {
        await FillAsync();
        hub.FailAlways("/api/", _ => Reply.Of(403, ("X-Error-Code", "GatedRepo")));
        using HubClient online = hub.Client();
        HubException e = await Should.ThrowAsync<HubException>(() => online.DownloadAsync(TestHub.Model, ["*"]));
        e.Message.ShouldContain("set HF_HUB_OFFLINE=1");
    }

    private async Task FillAsync()
    {
        using HubClient online = hub.Client();
        await online.DownloadAsync(TestHub.Model, ["*"]);
    }
}
