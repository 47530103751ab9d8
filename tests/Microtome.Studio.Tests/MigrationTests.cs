using Microsoft.Data.Sqlite;
using Microtome.Studio.Storage;

namespace Microtome.Studio.Tests;

public class MigrationTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_data_folder_of_an_earlier_version_is_brought_up_to_date_with_what_it_holds(int version)
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["data"]);
        if (version > 0)
            Prepare(folder["data/studio.db"], [.. Migrations.All.Take(version), $"PRAGMA user_version = {version}",
                "INSERT INTO traces VALUES ('abcabcabcabc', 'old', 'traced', 'done', NULL, 'm', 'd', 'p', '[\"p\"]', '[{\"token\":1,\"text\":\"a\",\"probability\":1}]', '2025-01-01T00:00:00.0000000Z', 1.5, 3, 4, 5, 0.5, 0.6, '{}')",
                "INSERT INTO traces VALUES ('abcabcabcabd', 'cut off', 'traced', 'running', NULL, 'm', 'd', 'p', '[]', '[]', '2025-01-01T00:00:00.0000000Z', NULL, NULL, NULL, NULL, NULL, NULL, '{}')",
                "INSERT INTO labels VALUES ('d', 1, 2, 'user', 'kept', '2025-01-01T00:00:00.0000000Z')"]);
        await using StudioServer server = await StudioServer.StartAsync(new StudioOptions { DataFolder = folder["data"] });
        using StudioDatabase database = new(folder["data/studio.db"]);
        database.Version.ShouldBe(Migrations.All.Count);
        if (version == 0) return;
        server.Rooms!.Traces.Get("abcabcabcabc").Targets[0].Minus.ShouldBeNull();
        server.Rooms.Traces.Get("abcabcabcabd").State.ShouldBe("cancelled", "nothing runs on from an earlier run");
        server.Rooms.Labels.Find("d", 1, 2)!.Text.ShouldBe("kept");
        server.Rooms.Stories.Set("abcabcabcabc", Stories.StoryRecord.Empty).Pinned.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_newer_versions_data_folder_is_left_alone()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["data"]);
        Prepare(folder["data/studio.db"], ["CREATE TABLE future (x)", "PRAGMA user_version = 9999"]);
        InvalidDataException refusal = await Should.ThrowAsync<InvalidDataException>(async () => await StudioServer.StartAsync(new StudioOptions { DataFolder = folder["data"] }));
        refusal.Message.ShouldContain("newer Microtome");
        using SqliteConnection connection = new($"Data Source={folder["data/studio.db"]};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "PRAGMA user_version";
        command.ExecuteScalar().ShouldBe(9999L);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_by_name()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["data"]);
        File.WriteAllText(folder["data/studio.db"], string.Concat(Enumerable.Repeat("not a database ", 100)));
        InvalidDataException refusal = await Should.ThrowAsync<InvalidDataException>(async () => await StudioServer.StartAsync(new StudioOptions { DataFolder = folder["data"] }));
        refusal.Message.ShouldContain("studio.db");
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_made_is_refused_by_name()
    {
        using TemporaryFolder folder = new();
        folder.Write("file", "x");
        IOException refusal = await Should.ThrowAsync<IOException>(async () => await StudioServer.StartAsync(new StudioOptions { DataFolder = folder["file"] }));
        refusal.Message.ShouldContain("--data");
    }

    [Fact]
    public async Task What_was_kept_is_there_after_a_restart()
    {
        using TemporaryFolder folder = new();
        string id;
        await using (StudioServer first = await StudioServer.StartAsync(RunningStudio.Options(folder["data"])))
        {
            Jobs.Job job = await first.Rooms!.Traces.StartAsync(new Traces.TraceRequest("given", "Tom"), CancellationToken.None);
            await job.Ended;
            id = job.Id;
        }
        await using StudioServer second = await StudioServer.StartAsync(RunningStudio.Options(folder["data"]));
        second.Rooms!.Traces.Get(id).State.ShouldBe("done");
        second.Rooms.Graphs.Get(id).Graph.FeatureCount.ShouldBeGreaterThan(0);
    }

    private static void Prepare(string path, IEnumerable<string> statements)
    {
        using SqliteConnection connection = new($"Data Source={path};Pooling=False");
        connection.Open();
        foreach (string statement in statements)
        {
            using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // constants of this test
            command.CommandText = statement;
#pragma warning restore CA2100
            command.ExecuteNonQuery();
        }
    }
}
