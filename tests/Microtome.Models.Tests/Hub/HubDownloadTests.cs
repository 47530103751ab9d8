using Microtome.Models.Hub;

namespace Microtome.Models.Tests.Hub;

public sealed class HubDownloadTests : IDisposable
{
    private const string Other = "89abcdef0123456789abcdef0123456789abcdef";
    private readonly TestHub hub = new();

    public void Dispose() => hub.Dispose();

    [Fact]
    public async Task A_download_gives_the_folder_of_its_commit() => (await DownloadAllAsync()).ShouldBe(hub.Snapshot().TrimEnd('/'));

    [Fact]
    public async Task A_downloaded_file_has_the_bytes_of_the_original()
    {
        await DownloadAllAsync();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_snapshot_links_to_its_blobs_by_relative_paths()
    {
        hub.Add("layers/0/w.safetensors", [1, 2, 3]);
        await DownloadAllAsync("**");
        new FileInfo(hub.Snapshot("config.json")).LinkTarget.ShouldBe($"../../blobs/{TestHub.HashOf(TestHub.Config, isLarge: false)}");
        new FileInfo(hub.Snapshot("model.safetensors")).LinkTarget.ShouldBe($"../../blobs/{TestHub.HashOf(TestHub.Weights, isLarge: true)}");
        new FileInfo(hub.Snapshot("layers/0/w.safetensors")).LinkTarget.ShouldBe($"../../../../blobs/{TestHub.HashOf([1, 2, 3], isLarge: true)}");
    }

    [Fact]
    public async Task The_main_branch_is_noted_with_its_commit()
    {
        await DownloadAllAsync();
        File.ReadAllText(Path.Combine(hub.RepositoryFolder, "refs", "main")).ShouldBe(TestHub.Commit);
    }

    [Fact]
    public async Task Nothing_unfinished_is_left_behind()
    {
        await DownloadAllAsync();
        string[] names = [.. Directory.EnumerateFiles(hub.RepositoryFolder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(hub.RepositoryFolder, f)).Order(StringComparer.Ordinal)];
        names.ShouldBe([
            $"blobs/{TestHub.HashOf(TestHub.Weights, isLarge: true)}", $"blobs/{TestHub.HashOf(TestHub.Config, isLarge: false)}", "refs/main",
            $"snapshots/{TestHub.Commit}/config.json", $"snapshots/{TestHub.Commit}/model.safetensors"], ignoreOrder: true);
    }

    [Fact]
    public async Task Locks_are_where_other_tools_take_them()
    {
        await DownloadAllAsync();
        File.Exists(Path.Combine(hub.CacheFolder, ".locks", "models--lab--model", TestHub.HashOf(TestHub.Weights, isLarge: true) + ".lock")).ShouldBeTrue();
    }

    [Fact]
    public async Task Only_files_that_match_are_fetched()
    {
        hub.Add("original/model.safetensors", [1]);
        hub.Add("pytorch_model.bin", [1]);
        await DownloadAllAsync("*.safetensors", "config.json", "tokenizer*.json");
        hub.Store.Requests.Select(r => r.Target).ShouldBe(["/model.safetensors"]);
    }

    [Fact]
    public async Task A_second_call_asks_for_no_content()
    {
        await DownloadAllAsync();
        int before = hub.ContentRequests.Count();
        await DownloadAllAsync();
        hub.ContentRequests.Count().ShouldBe(before);
    }

    [Fact]
    public async Task A_file_of_another_commit_with_the_same_content_is_not_fetched_again()
    {
        await DownloadAllAsync();
        hub.Revisions["main"] = hub.Revisions[Other] = Other;
        int before = hub.ContentRequests.Count();
        await DownloadAllAsync();
        hub.ContentRequests.Count().ShouldBe(before);
        File.ReadAllBytes(hub.Snapshot("model.safetensors", Other)).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_cache_that_another_tool_has_filled_is_used()
    {
        FillAsAnotherTool();
        await DownloadAllAsync();
        hub.ContentRequests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_blob_of_the_wrong_size_is_fetched_again()
    {
        await DownloadAllAsync();
        File.WriteAllBytes(hub.Blob(TestHub.Weights, isLarge: true), [1, 2, 3]);
        await DownloadAllAsync();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task A_link_whose_blob_is_gone_is_mended()
    {
        await DownloadAllAsync();
        File.Delete(hub.Blob(TestHub.Weights, isLarge: true));
        await DownloadAllAsync();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task Without_symbolic_links_the_snapshot_has_the_files_themselves()
    {
        using HubClient client = hub.Client(o => o with { SymbolicLinks = false });
        await client.DownloadAsync(TestHub.Model, ["*"]);
        new FileInfo(hub.Snapshot("model.safetensors")).LinkTarget.ShouldBeNull();
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Theory]
    [InlineData("dev")]
    [InlineData("v1.0")]
    [InlineData("refs/pr/1")]
    [InlineData("0123456")]
    public async Task A_branch_a_tag_and_a_short_hash_are_noted_with_their_commit(string revision)
    {
        hub.Revisions[revision] = TestHub.Commit;
        using HubClient client = hub.Client();
        string folder = await client.DownloadAsync(new HubReference("lab", "model", revision), ["*"]);
        folder.ShouldBe(hub.Snapshot().TrimEnd('/'));
        File.ReadAllText(Path.Combine(hub.RepositoryFolder, "refs", revision)).ShouldBe(TestHub.Commit);
    }

    [Fact]
    public async Task A_commit_is_not_noted()
    {
        using HubClient client = hub.Client();
        await client.DownloadAsync(new HubReference("lab", "model", TestHub.Commit), ["*"]);
        Directory.Exists(Path.Combine(hub.RepositoryFolder, "refs")).ShouldBeFalse();
    }

    [Fact]
    public async Task A_folder_of_a_repository_is_fetched_alone()
    {
        hub.Add("layer_3/average/w.safetensors", [1, 2, 3]);
        using HubClient client = hub.Client();
        string folder = await client.DownloadAsync(HubReference.Parse("lab/model/layer_3"), ["**/*.safetensors"]);
        folder.ShouldBe(hub.Snapshot("layer_3"));
        hub.Store.Requests.Select(r => r.Target).ShouldBe(["/layer_3/average/w.safetensors"]);
    }

    [Fact]
    public async Task An_hf_uri_gives_one_file()
    {
        hub.Add("layer_3/a b#c.safetensors", [1, 2, 3]);
        hub.Revisions["dev"] = TestHub.Commit;
        using HubClient client = hub.Client();
        string file = await client.DownloadFileAsync(HubReference.Parse("hf://lab/model/layer_3/a b#c.safetensors?revision=dev"));
        file.ShouldBe(hub.Snapshot("layer_3/a b#c.safetensors"));
        File.ReadAllBytes(file).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task A_file_of_a_known_commit_needs_no_request()
    {
        await DownloadAllAsync();
        int before = hub.Site.Requests.Count;
        using HubClient client = hub.Client();
        await client.DownloadFileAsync(new HubReference("lab", "model", TestHub.Commit, "config.json"));
        hub.Site.Requests.Count.ShouldBe(before);
    }

    [Theory]
    [InlineData("\"{0}\"")]
    [InlineData("W/\"{0}\"")]
    [InlineData("{0}")]
    public async Task A_hash_is_read_from_any_form_of_tag(string form)
    {
        string tag = string.Format(form, TestHub.HashOf(TestHub.Config, isLarge: false));
        hub.Fail("HEAD /lab", _ => new Reply(200, TestHub.Config) { Headers = { ["X-Repo-Commit"] = TestHub.Commit, ["ETag"] = tag } });
        await DownloadAllAsync("config.json");
        File.ReadAllBytes(hub.Snapshot("config.json")).ShouldBe(TestHub.Config);
    }

    [Fact]
    public async Task A_renamed_repository_is_found_under_its_new_name()
    {
        hub.Fail("/api/models/gpt2/", _ => Reply.Of(307, ("Location", "/api/models/lab/model/revision/main")));
        hub.FailAlways(" /gpt2/", r => Reply.Of(307, ("Location", r.Target.Replace("/gpt2/", "/lab/model/"))));
        using HubClient client = hub.Client();
        string folder = await client.DownloadAsync(HubReference.Parse("gpt2"), ["*"]);
        folder.ShouldBe(Path.Combine(hub.CacheFolder, "models--gpt2", "snapshots", TestHub.Commit));
        File.ReadAllBytes(Path.Combine(folder, "model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task An_empty_file_is_a_file()
    {
        hub.Add("empty.txt", []);
        await DownloadAllAsync("empty.txt");
        File.ReadAllBytes(hub.Snapshot("empty.txt")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Two_clients_at_once_fetch_a_file_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => DownloadAllAsync())));
        hub.Store.Requests.Count.ShouldBe(1);
        File.ReadAllBytes(hub.Snapshot("model.safetensors")).ShouldBe(TestHub.Weights);
    }

    [Fact]
    public async Task Progress_ends_with_all_files_and_all_bytes()
    {
        Progress seen = new();
        using HubClient client = hub.Client();
        await client.DownloadAsync(TestHub.Model, ["*"], seen);
        DownloadProgress last = seen.Reports[^1];
        int all = TestHub.Config.Length + TestHub.Weights.Length;
        (last.FilesDone, last.Files, last.Bytes, last.Size).ShouldBe((2, 2, all, all));
    }

    [Fact]
    public async Task The_token_is_sent_to_the_hub_and_not_to_the_store()
    {
        using HubClient client = hub.Client(o => o with { Token = "hf_secret" });
        await client.DownloadAsync(TestHub.Model, ["*"]);
        hub.Site.Requests.ShouldAllBe(r => r.Authorization == "Bearer hf_secret");
        hub.Store.Requests.ShouldAllBe(r => r.Authorization == null);
    }

    [Fact]
    public async Task A_store_that_sends_the_request_back_gets_no_token_for_it()
    {
        hub.Fail("GET /model.safetensors", _ => Reply.Of(302, ("Location", $"{hub.Site.Address}lab/model/resolve/main/back.safetensors")));
        hub.Fail("/back.safetensors", r => new Reply(200, TestHub.Weights));
        using HubClient client = hub.Client(o => o with { Token = "hf_secret" });
        await client.DownloadAsync(TestHub.Model, ["model.safetensors"]);
        hub.Site.Requests.Single(r => r.Target.EndsWith("/back.safetensors")).Authorization.ShouldBeNull();
    }

    private async Task<string> DownloadAllAsync(params string[] patterns)
    {
        using HubClient client = hub.Client();
        return await client.DownloadAsync(TestHub.Model, patterns.Length == 0 ? ["*"] : patterns);
    }

    private void FillAsAnotherTool()
    {
        Directory.CreateDirectory(Path.Combine(hub.RepositoryFolder, "blobs"));
        Directory.CreateDirectory(Path.Combine(hub.RepositoryFolder, "refs"));
        Directory.CreateDirectory(hub.Snapshot());
        File.WriteAllText(Path.Combine(hub.RepositoryFolder, "refs", "main"), TestHub.Commit);
        foreach ((string path, byte[] content) in hub.Files)
        {
            string blob = hub.Blob(content, TestHub.IsLarge(path));
            File.WriteAllBytes(blob, content);
            File.CreateSymbolicLink(hub.Snapshot(path), "../../blobs/" + Path.GetFileName(blob));
        }
    }

    private sealed class Progress : IProgress<DownloadProgress>
    {
        public List<DownloadProgress> Reports { get; } = [];

        public void Report(DownloadProgress value) => Reports.Add(value);
    }
}
