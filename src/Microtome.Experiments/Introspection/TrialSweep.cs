using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>A sweep of which every cell is a question under a change.</summary>
internal sealed class TrialSweep(ExperimentContext context, string name, IReadOnlyList<string> factors, IReadOnlyList<string> options)
{
    private readonly List<SweepCell> _cells = [];
    private readonly List<(TrialPrompt Prompt, Steering? Change, ForwardHooks? Hooks)> _trials = [];
    private readonly SweepTable _table = new(name, factors, [.. options, "mass", "entropy", "top_token", "top_probability"]);

    public SweepTable Table => _table;

    public int Count => _cells.Count;

    /// <param name="group">Trials of one prompt that share the most, such as those of one layer.</param>
    public void Add(TrialPrompt prompt, Steering? change, int group, params IReadOnlyList<object> values) => Add(prompt, change, null, group, values);

    /// <param name="hooks">Those of all trials of the group, beside what changes each.</param>
    public void Add(TrialPrompt prompt, Steering? change, ForwardHooks? hooks, int group, params IReadOnlyList<object> values)
    {
        _cells.Add(_table.Cell(group, values));
        _trials.Add((prompt, change, hooks));
    }

    /// <summary>Runs what is missing, writes <c>cells.jsonl</c> (or the sweep's name), and returns all.</summary>
    public IReadOnlyList<SweepRow> Run()
    {
        if (_cells.Count == 0) return [];
        int batch = _trials.Select(trial => trial.Prompt).Distinct().Min(context.Runner.BatchFor);
        IReadOnlyList<SweepRow> rows = Sweep.Run(context.Store, _table, _cells, batch, Evaluate, context.Progress($"{_cells.Count:N0} cells"), context.Cancellation);
        SweepStore.WriteJsonLines(Path.Combine(context.Folder, $"{_table.Name}.jsonl"), _table, rows);
        return rows;
    }

    private IReadOnlyList<CellResult> Evaluate(IReadOnlyList<int> ordinals, CancellationToken cancellation)
    {
        List<CellResult> results = [];
        // Cells of one group have one prompt, unless their group says otherwise.
        for (int start = 0; start < ordinals.Count;)
        {
            int end = start;
            (TrialPrompt prompt, _, ForwardHooks? hooks) = _trials[ordinals[start]];
            while (end < ordinals.Count && _trials[ordinals[end]].Prompt == prompt && _trials[ordinals[end]].Hooks == hooks) end++;
            IReadOnlyList<AnswerReading> readings = context.Runner.Run(prompt, [.. Enumerable.Range(start, end - start).Select(i => _trials[ordinals[i]].Change)], hooks, cancellation);
            results.AddRange(readings.Select(reading => new CellResult([.. reading.LogProbabilities, reading.Mass, reading.Entropy, reading.TopToken, reading.TopProbability], reading.Status)));
            start = end;
        }
        return results;
    }
}
