using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments.Tests.Introspection;

public class IntrospectionRunTests
{
    private const string Short = """
        experiment: injected-thought
        concepts: [sea, fire, dog]
        vector: { templates: ["Tom saw the {word}"], baseline: [cup, road] }
        layers: 1,3
        strengths: [0.5, 2]
        placebos: 3
        resamples: 100
        prompts:
          context: "Tom and Lily talk."
          third-person: ["Do you put a thought into Tim?"]
          "true": ["Is the sun hot?"]
          "false": ["Is the sun cold?"]
        """;

    private static ExperimentOutcome Run(string folder, string yaml = Short, Sharing sharing = Sharing.All, Action<string, double?>? progress = null, CancellationToken cancellation = default)
    {
        using LoadedModel model = StoriesModel.Load();
        using Microtome.Dictionaries.TranscoderSet latents = StoriesModel.Transcoders();
        return IntrospectionRun.Run(ExperimentReader.Parse(yaml, "short.yaml"), model, latents, folder, sharing, progress, cancellation);
    }

    [Fact]
    public void An_experiment_writes_cells_figures_findings_and_a_report()
    {
        using TemporaryFolder folder = new();
        ExperimentOutcome outcome = Run(folder.Path);
        outcome.Verdict.ShouldNotBeEmpty();
        string[] cells = File.ReadAllLines(folder["cells.jsonl"]);
        cells.Length.ShouldBe(4 * (1 + 2 * 6 * 2)); // questions, without injection and at layers under vectors and strengths
        JsonElement cell = JsonDocument.Parse(cells[1]).RootElement;
        cell.GetProperty("vector").GetString().ShouldBe("sea");
        cell.GetProperty("yes").GetDouble().ShouldBeLessThan(0);
        string html = File.ReadAllText(folder["report.html"]);
        html.ShouldContain("What was asked");
        html.ShouldContain("How sure it is");
        html.ShouldNotContain("<script");
        foreach ((string name, Chart _) in outcome.Figures)
        {
            File.ReadAllText(Path.Combine(folder.Path, "figures", $"{name}.svg")).ShouldStartWith("<svg");
            JsonDocument.Parse(File.ReadAllText(Path.Combine(folder.Path, "figures", $"{name}.vl.json")));
        }
        JsonDocument.Parse(File.ReadAllText(folder["findings.json"])).RootElement.GetProperty("findings").GetArrayLength().ShouldBe(outcome.Findings.Count);
    }

    [Fact]
    public void Results_do_not_depend_on_threads_or_interruptions()
    {
        string[] files = ["cells.jsonl", "findings.json", "report.html"];
        using TemporaryFolder reference = new(), other = new();
        Run(reference.Path);
        int before = WorkerPool.Threads;
        try
        {
            WorkerPool.Threads = 3;
            Run(other.Path);
        }
        finally
        {
            WorkerPool.Threads = before;
        }
        foreach (string file in files) File.ReadAllText(other[file]).ShouldBe(File.ReadAllText(reference[file]), file);

        Run(other.Path); // there is nothing left to do
        foreach (string file in files) File.ReadAllText(other[file]).ShouldBe(File.ReadAllText(reference[file]), file);
    }

    [Theory]
    [InlineData("layers: 1,3", "layers: 9", "There is no layer 9; the model's are 0 to 4.")]
    [InlineData("concepts: [sea, fire, dog]", "concepts: [{name: sea, file: wide.safetensors}]", "'sea' has width 7, but the model's stream has 64")]
    [InlineData("placebos: 3", "positions: elsewhere", "'elsewhere' names no positions of the question")]
    [InlineData("placebos: 3", "answers: {yes: [\" y\"], no: [\" yes\"]}", "tokenise alike")]
    [InlineData("third-person: [\"Do you put a thought into Tim?\"]", "third-person: [\"Is it?\", \"Is it?\"]", "'Is it?' is there twice")]
    [InlineData("concepts: [sea, fire, dog]", "concepts: [sea, \"random 0\"]", "'random 0' has the name of a random vector")]
    [InlineData("context: \"Tom and Lily talk.\"", "template: \"Question?\"", "has no place for {question}")]
    [InlineData("context: \"Tom and Lily talk.\"", "template: \"{question} {weather}\"", "{weather}")]
    public void What_does_not_fit_is_refused_with_what_and_where(string old, string changed, string message)
    {
        using TemporaryFolder folder = new();
        VectorFile.Save(new SteeringVector([KeyValuePair.Create(1, new float[] { 1, 2, 3, 4, 5, 6, 7 }), KeyValuePair.Create(3, new float[] { 1, 2, 3, 4, 5, 6, 7 })]), folder["wide.safetensors"]);
        string yaml = Short.Replace(old, changed, StringComparison.Ordinal).Replace("wide.safetensors", folder["wide.safetensors"], StringComparison.Ordinal);
        Should.Throw<ArgumentException>(() => Run(folder.Path, yaml)).Message.ShouldContain(message);
    }

    public static TheoryData<string, string> Experiments { get; } = new()
    {
        { "injected-thought", "prompts: {third-person: [], \"true\": [\"Is the sun hot?\"], \"false\": [\"Is the sun cold?\"]}" },
        { "which-thought", "options: 3\ndraws: 1" },
        { "through-the-cache", "prompts: {framings: [\"Did I put a thought into you?\"], third-person: [], \"true\": [\"Is the sun hot?\"], \"false\": [\"Is the sun cold?\"]}" },
        { "where-it-happens", "top: 2" },
        { "known-names", "prompts: {known: [Tom, Lily, Tim, Sam], unknown: [Zork, Blim, Quax, Trup]}" },
        { "carriers-and-gates", "top: 3" },
        { "trained-introspection", "steps: 4" },
        { "which-sentence", "sentences-in-a-trial: 2\ndraws: 2" },
    };

    private static string Small(string kind, string more) => $"experiment: {kind}\nconcepts: [sea, fire, dog, sun]\nvector: {{ templates: [\"Tom saw the {{word}}\"], baseline: [cup, road] }}\nlayers: 1,3\nstrengths: [0.5, 1, 2]\nplacebos: 2\nresamples: 100\n{more}\n";

    [Theory]
    [MemberData(nameof(Experiments))]
    public void Every_experiment_reaches_a_verdict_with_figures(string kind, string more)
    {
        using TemporaryFolder folder = new();
        ExperimentOutcome outcome = Run(folder.Path, Small(kind, more));
        outcome.Verdict.ShouldNotBeEmpty();
        outcome.Findings.ShouldNotBeEmpty();
        outcome.Figures.ShouldNotBeEmpty();
        Directory.GetFiles(folder.Path, "*.jsonl").ShouldNotBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Experiments))]
    public void Every_experiment_goes_on_where_it_was_stopped_with_the_same_results(string kind, string more)
    {
        using TemporaryFolder whole = new(), stopped = new();
        Run(whole.Path, Small(kind, more));
        int stops = 0;
        while (true)
        {
            using CancellationTokenSource stop = new();
            int reports = 0;
            try
            {
                // Each sweep reports as it begins, so that a run gets ahead by a few batches or steps.
                Run(stopped.Path, Small(kind, more), cancellation: stop.Token, progress: (step, _) =>
                {
                    if (!step.StartsWith("making", StringComparison.Ordinal) && Interlocked.Increment(ref reports) == 7) stop.Cancel();
                });
                break;
            }
            catch (OperationCanceledException)
            {
                stops++.ShouldBeLessThan(200);
            }
        }
        stops.ShouldBeGreaterThan(0);
        string[] Files(TemporaryFolder folder) => [.. Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder.Path, file)).Where(file => !file.StartsWith("results.sqlite", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Files(stopped).ShouldBe(Files(whole));
        foreach (string file in Files(whole)) File.ReadAllBytes(stopped[file]).SequenceEqual(File.ReadAllBytes(whole[file])).ShouldBeTrue(file);
        long[] cells = [.. Sessions(stopped)];
        cells.Sum().ShouldBe(Sessions(whole).Single());
        cells.Count(count => count > 0).ShouldBeGreaterThan(1, "a stopped run keeps what it found");
    }

    /// <summary>How many cells each run of the program added.</summary>
    private static List<long> Sessions(TemporaryFolder folder)
    {
        using SqliteConnection connection = new($"Data Source={folder["results.sqlite"]};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT cells FROM sessions ORDER BY id";
        using SqliteDataReader reader = command.ExecuteReader();
        List<long> cells = [];
        while (reader.Read()) cells.Add(reader.GetInt64(0));
        return cells;
    }

    [Fact]
    public void Training_of_a_bias_that_another_experiment_left_is_refused()
    {
        using TemporaryFolder folder = new();
        Run(folder.Path, Small("trained-introspection", "steps: 1"));
        foreach (string file in Directory.GetFiles(folder.Path, "results.sqlite*")) File.Delete(file);
        Should.Throw<InvalidDataException>(() => Run(folder.Path, Small("trained-introspection", "steps: 2"))).Message.ShouldContain("training of another experiment");
        byte[] damaged = File.ReadAllBytes(folder["training.safetensors"])[..^8];
        File.WriteAllBytes(folder["training.safetensors"], damaged);
        Should.Throw<InvalidDataException>(() => Run(folder.Path, Small("trained-introspection", "steps: 2"))).Message.ShouldContain("Remove it");
    }

    [Fact]
    public void A_vector_that_is_still_there_at_the_question_is_refused_where_only_the_cache_may_carry_it()
    {
        using TemporaryFolder folder = new();
        Should.Throw<ArgumentException>(() => Run(folder.Path, "experiment: through-the-cache\nconcepts: [sea, fire]\nlayers: 1\nstrengths: [1]\npositions: turn-\n")).Message.ShouldContain("before the question only");
    }

    [Fact]
    public void A_vector_after_the_last_layer_leaves_nothing_in_the_cache()
    {
        using TemporaryFolder folder = new();
        Should.Throw<ArgumentException>(() => Run(folder.Path, "experiment: through-the-cache\nconcepts: [sea, fire]\nlayers: 4\nstrengths: [1]\n")).Message.ShouldContain("after layer 4, the last, leaves no keys and values");
        Run(folder["other"], "experiment: through-the-cache\nconcepts: [sea, fire]\nvector: { templates: [\"Tom saw the {word}\"], baseline: [cup, road] }\nlayers: 3-4\nstrengths: [1]\nplacebos: 2\nresamples: 100\n");
        File.ReadLines(Path.Combine(folder["other"], "cells.jsonl")).ShouldAllBe(line => !line.Contains("\"layer\":4"));
    }

    [Fact]
    public async Task A_model_with_a_chat_template_is_asked_through_it()
    {
        using TemporaryFolder folder = new();
        foreach (string file in Directory.GetFiles(StoriesModel.Folder)) File.Copy(file, folder[Path.GetFileName(file)]);
        folder.Write("chat_template.jinja", "{% for message in messages %}<{{ message.role }}> {{ message.content }}\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}");
        using LoadedModel model = await new Microtome.Dictionaries.ModelSource().LoadModelAsync(folder.Path);
        IntrospectionRun.Run(ExperimentReader.Parse(Short, "short.yaml"), model, null, folder["out"]).Verdict.ShouldNotBeEmpty();
        folder.Write("chat_template.jinja", "{% for message in messages %}{{ message.role }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}");
        Should.Throw<ArgumentException>(() => IntrospectionRun.Run(ExperimentReader.Parse(Short, "short.yaml"), model, null, folder["other"])).Message.ShouldContain("leaves out or changes");
        folder.Write("chat_template.jinja", "{% unheard of %}");
        Should.Throw<InvalidDataException>(() => IntrospectionRun.Run(ExperimentReader.Parse(Short, "short.yaml"), model, null, folder["third"])).Message.ShouldContain("chat_template.jinja");
    }

    [Fact]
    public void A_folder_with_other_results_is_refused()
    {
        using TemporaryFolder folder = new();
        Run(folder.Path);
        Should.Throw<InvalidDataException>(() => Run(folder.Path, Short.Replace("[0.5, 2]", "[0.5, 3]", StringComparison.Ordinal))).Message.ShouldContain("another experiment");
    }
}
