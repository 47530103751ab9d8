using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

public sealed class HarvestTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LoadedModel _model;
    private readonly Lines _texts;
    private readonly ActivationSite[] _sites = [new(HookPoint.ResidPost, 1), new(HookPoint.MlpRawOut, 3)];

    public HarvestTests()
    {
        string folder = Path.Combine(TestFiles.Repository, "models", "stories260k");
        Checkpoint checkpoint = Checkpoint.Open(folder);
        _model = new LoadedModel("stories260k", checkpoint, new Transformer(checkpoint), PromptEncoder.Load(folder, checkpoint.Specification));
        _texts = new Lines(_model.Prompts);
    }

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Activations_are_those_of_the_model_without_each_texts_first_position()
    {
        HarvestManifest manifest = Harvest(tokens: 60, shard: 60);
        manifest.Done.ShouldBe(60);
        using SafetensorsFile file = SafetensorsFile.Open(_folder["shard-00000.safetensors"]);
        Tensor stored = file.Get("blocks.1.hook_resid_post").ToTensor(), beside = file.Get("blocks.3.mlp.hook_out").ToTensor();

        List<(float[] Stream, float[] Mlp)> expected = [];
        foreach (TokenContext text in _texts.Read())
        {
            if (expected.Count >= 60) break;
            Tensor? stream = null, mlp = null;
            _model.Transformer.Forward(text.Tokens, new ForwardHooks().Add(HookPoint.ResidPost, 1, (x, _) => stream = x.Clone()).Add(HookPoint.MlpRawOut, 3, (x, _) => mlp = x.Clone()));
            for (int position = 1; position < text.Tokens.Length && expected.Count < 60; position++) expected.Add((Rounded(stream!.Row(position)), Rounded(mlp!.Row(position))));
        }
        List<(float[], float[])> found = [.. Enumerable.Range(0, 60).Select(row => (stored.Row(row).ToArray(), beside.Row(row).ToArray()))];
        found.Select(row => row.Item1[0]).ShouldNotBe(expected.Select(row => row.Stream[0])); // mixed
        foreach ((float[] stream, float[] mlp) in expected)
            found.ShouldContain(row => Close(row.Item1, stream) && Close(row.Item2, mlp));
    }

    [Fact]
    public void Work_that_was_stopped_goes_on_and_gives_the_same_files()
    {
        using TemporaryFolder whole = new();
        ActivationHarvest.Run(whole.Path, _model, _sites, _texts, 200, 50, seed: 3);
        using CancellationTokenSource stop = new();
        Should.Throw<OperationCanceledException>(() => ActivationHarvest.Run(_folder.Path, _model, _sites, _texts, 200, 50, seed: 3, progress: done =>
        {
            if (done == 100) stop.Cancel();
        }, cancellation: stop.Token));
        HarvestManifest.Load(_folder.Path).Done.ShouldBe(100);
        Should.Throw<InvalidDataException>(() => new HarvestedActivations(_folder.Path, _model.Specification, 0)).Message.ShouldContain("holds 100 of 200 tokens; run microtome harvest again");

        Harvest(200, 50);
        foreach (string file in Directory.EnumerateFiles(whole.Path)) File.ReadAllBytes(_folder[Path.GetFileName(file)]).ShouldBe(File.ReadAllBytes(file), file);
        Directory.EnumerateFiles(_folder.Path).Count().ShouldBe(5);
    }

    [Fact]
    public void A_corrupted_or_missing_file_is_named_and_made_anew()
    {
        Harvest(200, 50);
        byte[] original = File.ReadAllBytes(_folder["shard-00001.safetensors"]), damaged = [.. original];
        damaged[^3] ^= 1;
        File.WriteAllBytes(_folder["shard-00001.safetensors"], damaged);
        File.Delete(_folder["shard-00003.safetensors"]);

        using (HarvestedActivations source = new(_folder.Path, _model.Specification, seed: 1))
        {
            InvalidDataException failure = Should.Throw<InvalidDataException>(() =>
            {
                for (int chunk = 0; chunk < 4; chunk++) source.Read(chunk);
            });
            failure.Message.ShouldMatch(@"shard-0000(1|3)\.safetensors (is corrupted: its contents are not what was written|is missing); run microtome harvest again");
        }
        List<string> repaired = [];
        ActivationHarvest.Run(_folder.Path, _model, _sites, _texts, 200, 50, seed: 3, repaired: repaired.Add);
        repaired.Count.ShouldBe(2);
        repaired[0].ShouldContain("shard-00001.safetensors is corrupted");
        repaired[1].ShouldContain("shard-00003.safetensors is missing");
        File.ReadAllBytes(_folder["shard-00001.safetensors"]).ShouldBe(original);
    }

    [Fact]
    public void A_folder_from_something_else_says_what_differs()
    {
        Harvest(100, 50);
        Should.Throw<InvalidDataException>(() => ActivationHarvest.Run(_folder.Path, _model, _sites, _texts, 100, 50, seed: 4)).Message.ShouldContain("with the seed 3, not 4; give the same options");
        Should.Throw<InvalidDataException>(() => ActivationHarvest.Run(_folder.Path, _model, _sites[..1], _texts, 100, 50, seed: 3)).Message.ShouldContain("at blocks.1.hook_resid_post, blocks.3.mlp.hook_out, not blocks.1.hook_resid_post");
    }

    [Fact]
    public void Every_pass_over_harvested_activations_has_the_same_rows_in_another_order()
    {
        Harvest(200, 50);
        using HarvestedActivations source = new(_folder.Path, _model.Specification, seed: 1);
        source.Sites.ShouldBe(_sites);
        float[] Pass(int first) => [.. Enumerable.Range(first, 4).SelectMany(chunk => Enumerable.Range(0, 50).Select(row => source.Read(chunk).Sites[0].Row(row)[0]))];
        float[] one = Pass(0), two = Pass(4);
        one.ShouldNotBe(two);
        one.Order().ShouldBe(two.Order());
        Pass(0).ShouldBe(one);
    }

    [Fact]
    public void Texts_that_end_begin_again()
    {
        using LiveActivations source = new(_model, _sites, "few", first => _texts.Read(first).TakeWhile(text => text.Id < 3).Select(text => text.Tokens), 100, seed: 0);
        ActivationChunk first = source.Read(0), second = source.Read(first.Next);
        first.Next.ShouldBeInRange(0, 3);
        second.Tokens.ShouldBe(100);
        source.Read(0).Sites[0].Span.ToArray().ShouldBe(first.Sites[0].Span.ToArray());
        using LiveActivations none = new(_model, _sites, "nothing", _ => [[1]], 100, seed: 0);
        Should.Throw<InvalidDataException>(() => none.Read(0)).Message.ShouldContain("has no text of more than one token");
    }

    [Fact]
    public void Damage_to_the_manifest_gives_activations_or_a_clear_error()
    {
        Harvest(100, 50);
        byte[] original = File.ReadAllBytes(_folder["manifest.json"]);
        for (int seed = 0; seed < 500; seed++)
        {
            File.WriteAllBytes(_folder["manifest.json"], Mutations.Mutate(original, seed));
            try
            {
                using HarvestedActivations source = new(_folder.Path, _model.Specification, 0);
                source.Read(0);
            }
            catch (Exception exception) when (exception is InvalidDataException)
            {
                exception.Message.ShouldContain(_folder.Path, customMessage: $"seed {seed}");
            }
            catch (ArgumentException exception)
            {
                exception.Message.ShouldContain("hook", customMessage: $"seed {seed}"); // damaged in a hook's name
            }
        }
    }

    private HarvestManifest Harvest(long tokens, int shard) => ActivationHarvest.Run(_folder.Path, _model, _sites, _texts, tokens, shard, seed: 3);

    private static float[] Rounded(ReadOnlySpan<float> row) => Array.ConvertAll(row.ToArray(), value => BitConverter.UInt32BitsToSingle((uint)Elements.ToBFloat16(value) << 16));

    private static bool Close(float[] x, float[] y) => x.Zip(y).All(pair => Math.Abs(pair.First - pair.Second) <= 0.01f * (1 + Math.Abs(pair.Second)));

    private sealed class Lines(PromptEncoder prompts) : ContextSource
    {
        public override string Name => "lines";

        public override IEnumerable<TokenContext> Read(long first = 0)
        {
            for (long id = first; ; id++) yield return new TokenContext(id, id, prompts.EncodeForTracing($"Tom and Lily had {id} {(id % 3 == 0 ? "red balls" : "dogs")}. They were happy."));
        }
    }
}
