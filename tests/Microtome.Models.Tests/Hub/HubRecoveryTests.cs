using Microtome.Models.Hub;

namespace Microtome.Models.Tests.Hub;

public sealed class HubRecoveryTests : IDisposable
{
    private const string Fetch = "GET /model.safetensors";
    private const int Half = 150_000;
    private readonly TestHub hub = new();

    public void Dispose() => hub.Dispose();

    [Fact]
    public async Task A_dropped_download_goes_on_where_it_stopped()
    {
        hub.Fail(Fetch, _ => new Reply(200, TestHub.Weights) { StopAfter = Half });
        await DownloadAsync();
        hub.Store.Requests.Last().Range.ShouldBe($"bytes={Half}-");
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_download_that_another_run_began_is_finished()
    {
        Leave(TestHub.Weights[..Half]);
        await DownloadAsync();
        hub.Store.Requests.Single().Range.ShouldBe($"bytes={Half}-");
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_download_that_was_complete_but_not_moved_is_used()
    {
        Leave(TestHub.Weights);
        await DownloadAsync();
        hub.Store.Requests.ShouldBeEmpty();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_server_that_ignores_the_range_starts_the_file_anew()
    {
        Leave(TestHub.Weights[..Half]);
        hub.Fail(Fetch, _ => new Reply(200, TestHub.Weights));
        await DownloadAsync();
        hub.Store.Requests.Count.ShouldBe(1);
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_server_that_knows_no_such_range_is_asked_for_the_whole_file()
    {
        Leave(TestHub.Weights[..Half]);
        hub.Fail(Fetch, _ => Reply.Of(416));
        await DownloadAsync();
        hub.Store.Requests.Last().Range.ShouldBeNull();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_server_that_sends_another_range_is_asked_for_the_whole_file()
    {
        Leave(TestHub.Weights[..Half]);
        hub.Fail(Fetch, _ => new Reply(206, TestHub.Weights[1..]) { Headers = { ["Content-Range"] = $"bytes 1-{TestHub.Weights.Length - 1}/{TestHub.Weights.Length}" } });
        await DownloadAsync();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_leftover_longer_than_the_file_is_thrown_away()
    {
        Leave([.. TestHub.Weights, 1]);
        await DownloadAsync();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_leftover_with_wrong_bytes_is_thrown_away()
    {
        Leave(new byte[Half]);
        await DownloadAsync();
        hub.Store.Requests.Last().Range.ShouldBeNull();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_body_shorter_than_the_file_is_completed()
    {
        hub.Fail(Fetch, _ => new Reply(200, TestHub.Weights[..Half]));
        await DownloadAsync();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task Nothing_beyond_the_files_size_is_kept()
    {
        hub.Fail(Fetch, _ => new Reply(200, [.. TestHub.Weights, 1, 2, 3]));
        await DownloadAsync();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_silent_connection_counts_as_dropped()
    {
        hub.Fail(Fetch, _ => new Reply(200, TestHub.Weights) { StopAfter = Half, Pause = Task.Delay(Timeout.Infinite) });
        await DownloadAsync(o => o with { Timeout = TimeSpan.FromSeconds(0.3) });
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task A_busy_server_is_asked_again(int status)
    {
        hub.Fail("/api/", _ => Reply.Of(status));
        hub.Fail("HEAD /lab", _ => Reply.Of(status, ("Retry-After", "0")));
        hub.Fail(Fetch, _ => Reply.Of(status));
        await DownloadAsync();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_stores_address_that_has_expired_is_asked_for_again()
    {
        hub.Fail(Fetch, _ => Reply.Of(403));
        await DownloadAsync();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_server_that_keeps_failing_is_given_up_after_the_set_attempts()
    {
        hub.FailAlways(Fetch, _ => Reply.Of(503));
        HubException e = await Should.ThrowAsync<HubException>(() => DownloadAsync(o => o with { Attempts = 3 }));
        e.Message.ShouldContain("503");
        hub.Store.Requests.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_server_that_asks_for_an_hour_is_not_waited_for()
    {
        hub.FailAlways("/api/", _ => Reply.Of(429, ("Retry-After", "3600")));
        HubException e = await Should.ThrowAsync<HubException>(() => DownloadAsync());
        e.Message.ShouldContain("60 minutes");
        hub.Site.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Damaged_content_is_fetched_once_more()
    {
        hub.Fail(Fetch, _ => new Reply(200, new byte[TestHub.Weights.Length]));
        await DownloadAsync();
        hub.Store.Requests.Count.ShouldBe(2);
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Theory]
    [InlineData("model.safetensors", true)]
    [InlineData("config.json", false)]
    public async Task Content_damaged_twice_is_refused_with_both_hashes(string path, bool isLarge)
    {
        byte[] wrong = new byte[hub.Files[path].Length];
        hub.FailAlways(isLarge ? Fetch : $"GET /lab/model/resolve/{TestHub.Commit}/config.json", _ => new Reply(200, wrong));
        HubException e = await Should.ThrowAsync<HubException>(() => DownloadAsync());
        e.Message.ShouldContain($"{path} of lab/model");
        e.Message.ShouldContain(TestHub.HashOf(hub.Files[path], isLarge));
        e.Message.ShouldContain(TestHub.HashOf(wrong, isLarge));
    }

    [Fact]
    public async Task Damaged_content_leaves_nothing_in_the_cache()
    {
        hub.FailAlways(Fetch, _ => new Reply(200, new byte[TestHub.Weights.Length]));
        await Should.ThrowAsync<HubException>(() => DownloadAsync());
        Directory.EnumerateFiles(hub.RepositoryFolder, "*", SearchOption.AllDirectories)
            .ShouldNotContain(file => file.Contains("model.safetensors") || file.Contains(TestHub.HashOf(TestHub.Weights, true)));
    }

    [Fact]
    public async Task A_cancelled_download_stops_and_a_later_one_goes_on()
    {
        using CancellationTokenSource stop = new();
        hub.Fail(Fetch, _ => new Reply(200, TestHub.Weights) { StopAfter = Half, Pause = Task.Delay(Timeout.Infinite) });
        using (HubClient client = hub.Client())
        {
            Task download = client.DownloadAsync(TestHub.Model, ["*.safetensors"], progress: null, stop.Token);
            while (!File.Exists(hub.Incomplete(TestHub.Weights)) || new FileInfo(hub.Incomplete(TestHub.Weights)).Length < Half) await Task.Delay(5);
            stop.Cancel();
            await Should.ThrowAsync<OperationCanceledException>(() => download);
        }
        File.Exists(hub.Blob(TestHub.Weights, isLarge: true)).ShouldBeFalse();
        await DownloadAsync();
        hub.Store.Requests.Last().Range.ShouldBe($"bytes={Half}-");
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task An_interrupted_update_leaves_the_branch_at_the_whole_snapshot()
    {
        await DownloadAsync();
        string next = new('a', 40);
        hub.Revisions["main"] = hub.Revisions[next] = next;
        hub.Add("model.safetensors", [1, 2, 3]);
        hub.FailAlways(Fetch, _ => Reply.Of(503));
        await Should.ThrowAsync<HubException>(() => DownloadAsync(o => o with { Attempts = 1 }));
        using HubClient client = hub.Client();
        client.FindInCache(TestHub.Model).ShouldBe(hub.Snapshot().TrimEnd('/'));
    }

    [Fact]
    public async Task A_file_larger_than_the_free_space_is_not_begun()
    {
        hub.FailAlways("HEAD /lab", _ => Reply.Of(302, ("X-Repo-Commit", TestHub.Commit), ("X-Linked-Etag", $"\"{new string('a', 64)}\""),
            ("X-Linked-Size", $"{long.MaxValue}"), ("Location", $"{hub.Store.Address}model.safetensors")));
        HubException e = await Should.ThrowAsync<HubException>(() => DownloadAsync());
        e.Message.ShouldContain("HF_HUB_CACHE");
        hub.Store.Requests.ShouldBeEmpty();
    }

    private async Task DownloadAsync(Func<HubOptions, HubOptions>? change = null)
    {
        using HubClient client = hub.Client(change);
        await client.DownloadAsync(TestHub.Model, ["*"]);
    }

    private void Leave(byte[] content)
    {
        Directory.CreateDirectory(Path.Combine(hub.RepositoryFolder, "blobs"));
        File.WriteAllBytes(hub.Incomplete(TestHub.Weights), content);
    }
}
