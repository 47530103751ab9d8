using Microsoft.Data.Sqlite;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

public sealed class FeatureIndexTests : IDisposable
{
    private const float Rounding = 1e-5f; // a matrix unit sums rows of a large batch in another order
    private static readonly IndexOptions Options = new() { Tokens = 600, Strongest = 4, Samples = 2, Before = 4, After = 2, Promoted = 5 };
    private readonly TemporaryFolder _folder = new();
    private readonly SmallSource _source = new();

    public void Dispose()
    {
        _source.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Counts_and_examples_are_those_of_encoding_every_context_alone()
    {
        FixedContexts contexts = _source.Contexts(60);
        Run("index", contexts, Options with { Tokens = 1_000_000 });
        using FeatureIndex index = FeatureIndex.Open(_folder["index"]);

        Dictionary<(int, int), List<float>> expected = Encode(contexts);
        index.Tokens.ShouldBe(contexts.All.Sum(context => context.Length - 1));
        index.ActiveFeatures.ShouldBe(expected.Count);
        foreach (((int layer, int feature), List<float> values) in expected)
        {
            FeatureData data = index.Find(layer, feature)!;
            data.Firings.ShouldBe(values.Count);
            data.Maximum.ShouldBe(values.Max(), Rounding);
            data.Minimum.ShouldBe(values.Min(), Rounding);
            data.Mean!.Value.ShouldBe(values.Average(value => (double)value), Rounding);
            data.Density!.Value.ShouldBe((double)values.Count / index.Tokens);
            data.Histogram!.Counts.Sum().ShouldBe(values.Count);
            data.Strongest[0].Value.ShouldBe(data.Maximum);
            data.Strongest.Select(example => example.Value).ShouldBeInOrder(SortDirection.Descending);
            foreach (FeatureExample example in data.Strongest.Concat(data.Intervals.SelectMany(interval => interval.Examples)))
            {
                example.Activations.Count.ShouldBe(example.Tokens.Count);
                values.ShouldContain(value => Math.Abs(value - example.Value) < Rounding);
            }
            foreach (FeatureInterval interval in data.Intervals)
                foreach (FeatureExample example in interval.Examples) ((double)example.Value).ShouldBeInRange(interval.From!.Value, interval.To!.Value);
        }
    }

    [Fact]
    public void Work_that_goes_on_later_gives_what_one_run_gives()
    {
        FixedContexts contexts = _source.Contexts(120);
        Run("once", contexts, Options);
        Run("parts", contexts, Options with { Tokens = 90 });
        Run("parts", contexts, Options with { Tokens = 350 });
        Run("parts", contexts, Options);

        Dump("parts").ShouldBe(Dump("once"));
    }

    [Fact]
    public void Cancelled_work_keeps_what_was_done_and_goes_on()
    {
        FixedContexts contexts = _source.Contexts(500);
        IndexOptions options = Options with { Tokens = 2600 };
        Run("once", contexts, options);
        using CancellationTokenSource cancellation = new();
        Should.Throw<OperationCanceledException>(() => FeatureIndexer.Run(_source.Model, _source.Features, contexts, 16, _folder["cut"], options, new Cancelling(cancellation), cancellation.Token));

        using (FeatureIndex index = FeatureIndex.Open(_folder["cut"])) index.Tokens.ShouldBeInRange(1, options.Tokens - 1);
        Run("cut", contexts, options);
        Dump("cut").ShouldBe(Dump("once"));
    }

    [Fact]
    public void An_index_of_something_else_is_not_added_to()
    {
        Run("index", _source.Contexts(20), Options);
        Should.Throw<InvalidDataException>(() => Run("index", _source.Contexts(20), Options with { Strongest = 9 })).Message.ShouldContain("is an index already, but its examples is 4, not 9");
        using SmallSource other = new("qwen3-plt-relu");
        Should.Throw<InvalidDataException>(() => FeatureIndexer.Run(other.Model, other.Features, other.Contexts(20), 16, _folder["index"], Options)).Message.ShouldContain(_folder["index"]);
        _folder.Write("text", "some text, long enough to be a header of something, but not of a database");
        Should.Throw<InvalidDataException>(() => Run("text", _source.Contexts(20), Options)).Message.ShouldContain("is not a feature index");
    }

    [Fact]
    public void Labels_are_kept_changed_searched_and_taken_away()
    {
        Run("index", _source.Contexts(60), Options);
        using (FeatureIndex index = FeatureIndex.Open(_folder["index"]))
        {
            (int layer, int feature) = index.Active()[3];
            index.SetLabel(layer, feature, "names of 100 % <b>cities</b>");
            index.SetLabel(layer, feature + 1, "another");
            index.Search("CITIES").ShouldHaveSingleItem().Feature.ShouldBe(feature);
            index.Search("100 %").Count.ShouldBe(1);
            index.Search("1_0").ShouldBeEmpty();
            index.Search("", layer: layer).Count.ShouldBe(index.Active().Count(active => active.Layer == layer), "all of a layer, up to the bound");
            Should.Throw<ArgumentException>(() => index.SetLabel(layer, 1_000_000, "none")).Message.ShouldContain("has no feature 1000000");
            Should.Throw<ArgumentException>(() => index.SetLabel(layer, feature, new string('x', 2001))).Message.ShouldContain("2000 are allowed");
        }
        using (FeatureIndex again = FeatureIndex.Open(_folder["index"]))
        {
            again.Labels().Count.ShouldBe(2);
            (int layer, int feature) = again.Active()[3];
            again.Find(layer, feature)!.Label.ShouldBe("names of 100 % <b>cities</b>");
            again.SetLabel(layer, feature, null);
            again.Find(layer, feature)!.Label.ShouldBeNull();
        }
    }

    [Fact]
    public void Promoted_tokens_are_found_by_search()
    {
        Run("index", _source.Contexts(60), Options);
        using FeatureIndex index = FeatureIndex.Open(_folder["index"]);
        (int layer, int feature) = index.Active()[0];
        FeatureData data = index.Find(layer, feature)!;
        data.Promoted.Count.ShouldBe(5);
        data.Promoted.Select(effect => effect.Effect!.Value).ShouldBeInOrder(SortDirection.Descending);
        data.Suppressed.Select(effect => effect.Effect!.Value).ShouldBeInOrder(SortDirection.Ascending);
        index.Search(data.Promoted[0].Token, most: 10_000).Select(found => (found.Layer, found.Feature)).ShouldContain((layer, feature));
    }

    [Fact]
    public void A_file_of_the_first_layout_is_brought_to_the_present_one()
    {
        Run("index", _source.Contexts(20), Options);
        Sql("DROP TABLE labels; PRAGMA user_version = 1");

        using FeatureIndex index = FeatureIndex.Open(_folder["index"]);
        (int layer, int feature) = index.Active()[0];
        index.SetLabel(layer, feature, "new");
        index.Find(layer, feature)!.Label.ShouldBe("new");
    }

    [Theory]
    [InlineData("PRAGMA user_version = 99", "knows 2. Use a newer one")]
    [InlineData("PRAGMA application_id = 7", "is not a feature index")]
    [InlineData("CREATE TRIGGER t AFTER INSERT ON labels BEGIN DELETE FROM labels; END", "has views or triggers")]
    [InlineData("DELETE FROM meta WHERE key = 'description'", "it has no description")]
    [InlineData("UPDATE meta SET value = '{' WHERE key = 'description'", "cannot be read")]
    [InlineData("UPDATE meta SET value = '1 x 2' WHERE key = 'progress'", "its progress is not a number")]
    [InlineData("DELETE FROM contexts", "which is not there")]
    [InlineData("UPDATE features SET strongest = x'00'", "is cut off")]
    [InlineData("UPDATE features SET histogram = x'00000000000000000000000000ff'", "is damaged")]
    [InlineData("UPDATE features SET histogram = 'text'", "holds no bytes")]
    [InlineData("DELETE FROM vocabulary", "has no text")]
    public void A_damaged_file_is_named(string damage, string reason)
    {
        Run("index", _source.Contexts(20), Options);
        Sql(damage);
        string message = Should.Throw<InvalidDataException>(() =>
        {
            using FeatureIndex index = FeatureIndex.Open(_folder["index"]);
            foreach ((int layer, int feature) in index.Active()) index.Find(layer, feature);
        }).Message;
        message.ShouldContain(reason);
        message.ShouldContain(_folder["index"]);
    }

    [Fact]
    public void Damage_to_any_byte_gives_an_index_or_a_clear_error()
    {
        Run("index", _source.Contexts(12), Options with { Tokens = 60, Promoted = 1 });
        byte[] original = File.ReadAllBytes(_folder["index"]);
        for (int seed = 0; seed < 100; seed++)
        {
            string path = _folder.Write("damaged", Mutations.Mutate(original, seed, seed % 2 == 0 ? 8192 : int.MaxValue));
            try
            {
                using FeatureIndex index = FeatureIndex.Open(path);
                foreach ((int layer, int feature) in index.Active().Take(40)) index.Find(layer, feature);
                index.Search("t1", most: 5);
            }
            catch (Exception exception) when (exception is InvalidDataException or IOException)
            {
                exception.Message.ShouldContain(path, customMessage: $"seed {seed}");
            }
        }
    }

    private void Run(string name, FixedContexts contexts, IndexOptions options) => FeatureIndexer.Run(_source.Model, _source.Features, contexts, 16, _folder[name], options);

    private Dictionary<(int Layer, int Feature), List<float>> Encode(FixedContexts contexts)
    {
        Dictionary<(int, int), List<float>> found = [];
        foreach (int[] tokens in contexts.All)
        {
            ForwardHooks hooks = new();
            foreach (Transcoder layer in _source.Transcoders.Layers)
                hooks.Add(_source.Transcoders.Input, layer.Layer, (activation, _) =>
                {
                    Tensor all = layer.Encode(activation.AsMatrix());
                    for (int position = 1; position < activation.Rows; position++)
                        for (int feature = 0; feature < layer.Features; feature++)
                        {
                            float value = all.Row(position)[feature];
                            if (value == 0) continue;
                            if (!found.TryGetValue((layer.Layer, feature), out List<float>? values)) found.Add((layer.Layer, feature), values = []);
                            values.Add(value);
                        }
                });
            _source.Model.Transformer.Forward(tokens, hooks);
        }
        return found;
    }

    /// <summary>Everything that a file holds, as text.</summary>
    private string Dump(string name)
    {
        using SqliteConnection connection = new($"Data Source={_folder[name]};Pooling=False");
        connection.Open();
        System.Text.StringBuilder text = new();
        foreach (string query in new[] { "SELECT * FROM meta ORDER BY 1", "SELECT * FROM contexts ORDER BY 1", "SELECT * FROM features ORDER BY 1, 2", "SELECT * FROM effects ORDER BY 1, 2, 3", "SELECT * FROM vocabulary ORDER BY 1" })
        {
            using SqliteCommand command = new(query, connection);
            using SqliteDataReader row = command.ExecuteReader();
            while (row.Read())
                text.AppendLine(string.Join('|', Enumerable.Range(0, row.FieldCount).Select(column => row.GetValue(column) is byte[] bytes ? Convert.ToHexString(bytes) : row.GetValue(column).ToString())));
        }
        return text.ToString();
    }

    private void Sql(string text)
    {
        using SqliteConnection connection = new($"Data Source={_folder["index"]};Pooling=False");
        connection.Open();
        using SqliteCommand command = new(text, connection);
        command.ExecuteNonQuery();
    }

    private sealed class Cancelling(CancellationTokenSource cancellation) : IProgress<IndexingProgress>
    {
        public void Report(IndexingProgress value) => cancellation.Cancel();
    }
}
