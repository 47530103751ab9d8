using Microsoft.Data.Sqlite;
using Microtome.Numerics;

namespace Microtome.Experiments.Tests.Sweeps;

public class SweepTests
{
    private static readonly SweepTable Table = new("cells", ["name", "layer", "strength"], ["value", "other"]);

    private static SweepCell[] Cells(int count) => [.. Enumerable.Range(0, count).Select(i => Table.Cell(i / 7, $"cell {i}", i, i / 2.0))];

    private static CellResult Value(int ordinal) => new([Math.Sqrt(ordinal), ordinal % 3 == 0 ? double.NaN : -ordinal], ordinal % 5 == 0 ? "broken: five" : CellResult.Fine);

    private static IReadOnlyList<CellResult> Evaluate(IReadOnlyList<int> ordinals, CancellationToken cancellation) => [.. ordinals.Select(Value)];

    [Fact]
    public void Every_cell_has_its_own_result()
    {
        using TemporaryFolder folder = new();
        using SweepStore store = SweepStore.Open(folder["results.sqlite"], "print", "test");
        IReadOnlyList<SweepRow> rows = Sweep.Run(store, Table, Cells(50), 4, Evaluate);
        rows.Count.ShouldBe(50);
        for (int i = 0; i < 50; i++)
        {
            rows[i].Text("name").ShouldBe($"cell {i}");
            rows[i].Integer("layer").ShouldBe(i);
            rows[i].Number("strength").ShouldBe(i / 2.0);
            rows[i]["value"].ShouldBe(Math.Sqrt(i));
            rows[i]["other"].ShouldBe(Value(i).Measures[1]);
            rows[i].IsFine.ShouldBe(i % 5 != 0);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void A_sweep_that_was_interrupted_goes_on_with_no_cell_lost_or_done_twice(int batch)
    {
        using TemporaryFolder folder = new();
        int[] evaluations = new int[60];
        for (int stopAfter = 5; ; stopAfter += 13)
        {
            using SweepStore store = SweepStore.Open(folder["results.sqlite"], "print", "test");
            using CancellationTokenSource stop = new();
            int seen = 0;
            try
            {
                IReadOnlyList<SweepRow> rows = Sweep.Run(store, Table, Cells(60), batch, (ordinals, cancellation) =>
                {
                    if (Interlocked.Add(ref seen, ordinals.Count) > stopAfter) stop.Cancel();
                    foreach (int ordinal in ordinals) Interlocked.Increment(ref evaluations[ordinal]);
                    return Evaluate(ordinals, cancellation);
                }, cancellation: stop.Token);
                rows.Count.ShouldBe(60);
                store.Sessions.Sum().ShouldBe(60);
                break;
            }
            catch (OperationCanceledException)
            {
                store.Sessions.Sum().ShouldBe(evaluations.Sum());
            }
        }
        evaluations.ShouldAllBe(count => count == 1);
    }

    [Fact]
    public void Details_of_a_cell_are_kept_with_it()
    {
        SweepTable table = Table with { Details = ["latent", "activation"] };
        using TemporaryFolder folder = new();
        IReadOnlyList<CellResult> Detailed(IReadOnlyList<int> ordinals, CancellationToken _) => [.. ordinals.Select(ordinal => Value(ordinal) with { Details = [.. Enumerable.Range(0, ordinal % 4).Select(i => new[] { i, ordinal / 3.0 })] })];
        for (int run = 0; run < 2; run++)
        {
            using SweepStore store = SweepStore.Open(folder["results.sqlite"], "print", "test");
            IReadOnlyList<SweepRow> rows = Sweep.Run(store, table, Cells(9), 2, run == 0 ? Detailed : (_, _) => throw new InvalidOperationException("They were found before."));
            for (int i = 0; i < rows.Count; i++) rows[i].Result.Details.ShouldBe(Detailed([i], default)[0].Details);
        }
        Should.Throw<ArgumentException>(() => (Table with { Details = ["latent", "latent"] }).Validate());
    }

    [Fact]
    public void A_batch_whose_transaction_did_not_end_is_done_again_whole()
    {
        using TemporaryFolder folder = new();
        using (SweepStore store = SweepStore.Open(folder["results.sqlite"], "print", "test"))
            Should.Throw<InvalidOperationException>(() => Sweep.Run(store, Table, Cells(20), 5, (ordinals, _) => ordinals.Contains(12) ? throw new InvalidOperationException() : Evaluate(ordinals, default)));
        using (SweepStore store = SweepStore.Open(folder["results.sqlite"], "print", "test"))
            Sweep.Run(store, Table, Cells(20), 5, Evaluate).Count.ShouldBe(20);
    }

    [Fact]
    public void Results_are_the_same_text_for_any_threads()
    {
        string[] texts = [.. new[] { 1, 2, 5 }.Select(threads =>
        {
            int before = WorkerPool.Threads;
            WorkerPool.Threads = threads;
            try
            {
                using TemporaryFolder folder = new();
                using SweepStore store = SweepStore.Open(folder["results.sqlite"], "print", "test");
                SweepStore.WriteJsonLines(folder["cells.jsonl"], Table, Sweep.Run(store, Table, Cells(40), 3, Evaluate));
                return File.ReadAllText(folder["cells.jsonl"]);
            }
            finally
            {
                WorkerPool.Threads = before;
            }
        })];
        texts.Distinct().Count().ShouldBe(1);
        texts[0].Split('\n')[0].ShouldBe("""{"name":"cell 0","layer":0,"strength":0,"value":0,"other":null,"status":"broken: five"}""");
    }

    [Fact]
    public void Batches_hold_cells_of_one_group()
    {
        SweepCell[] cells = Cells(30);
        int[][] batches = [.. Sweep.Batches(cells, 4)];
        batches.SelectMany(batch => batch).ShouldBe(Enumerable.Range(0, 30));
        batches.ShouldAllBe(batch => batch.Length <= 4 && batch.All(i => cells[i].Group == cells[batch[0]].Group));
    }

    [Fact]
    public void Another_experiment_does_not_write_into_the_file()
    {
        using TemporaryFolder folder = new();
        using (SweepStore store = SweepStore.Open(folder["results.sqlite"], "print", "test")) Sweep.Run(store, Table, Cells(5), 2, Evaluate);
        Should.Throw<InvalidDataException>(() => SweepStore.Open(folder["results.sqlite"], "another", "test")).Message.ShouldContain("another experiment");
        using SweepStore same = SweepStore.Open(folder["results.sqlite"], "print", "test");
        Should.Throw<InvalidDataException>(() => Sweep.Run(same, Table, Cells(3), 2, Evaluate)).Message.ShouldContain("other cells");
    }

    [Fact]
    public void Files_that_are_no_results_are_refused()
    {
        using TemporaryFolder folder = new();
        folder.Write("text.sqlite", "this is not a database, and it is long enough to have a header of sixteen bytes");
        Should.Throw<InvalidDataException>(() => SweepStore.Open(folder["text.sqlite"], "print", "test")).Message.ShouldContain("text.sqlite");
        using (SqliteConnection other = new($"Data Source={folder["other.sqlite"]};Pooling=False"))
        {
            other.Open();
            using SqliteCommand command = other.CreateCommand();
            command.CommandText = "CREATE TABLE t (x)";
            command.ExecuteNonQuery();
        }
        Should.Throw<InvalidDataException>(() => SweepStore.Open(folder["other.sqlite"], "print", "test")).Message.ShouldContain("not of results");
    }

    [Fact]
    public void Impossible_sweeps_are_refused()
    {
        using TemporaryFolder folder = new();
        using SweepStore store = SweepStore.Open(folder["results.sqlite"], "print", "test");
        Should.Throw<ArgumentException>(() => Sweep.Run(store, Table, [.. Cells(2), .. Cells(1)], 2, Evaluate)).Message.ShouldContain("twice");
        Should.Throw<ArgumentException>(() => Sweep.Run(store, new SweepTable("a; DROP TABLE meta", ["x"], ["y"]), [], 2, Evaluate)).Message.ShouldContain("letters");
        Should.Throw<ArgumentException>(() => Sweep.Run(store, new SweepTable("t", ["x"], ["x"]), [], 2, Evaluate)).Message.ShouldContain("two columns");
    }
}
