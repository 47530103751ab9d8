using System.Diagnostics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Models.Training;

/// <summary>
/// Trains a decoder on a stream of documents. With a folder it writes checkpoints and a curve there, and goes on from the last checkpoint to
/// the same bits as without an interruption.
/// </summary>
public sealed class LanguageTrainer : IDisposable
{
    private readonly TrainableDecoder _decoder;
    private readonly AdamW _optimizer;
    private readonly DocumentBatches _batches;
    private readonly IReadOnlyList<TrainingBatch> _validation;
    private readonly TrainingOptions _options;
    private readonly Tape _tape = new();
    private readonly TrainingFolder? _folder;
    private double _smoothed = double.NaN;

    /// <param name="documents">Endless; the same documents whenever it is enumerated anew.</param>
    /// <param name="validation">Documents that are not among those; enumerated once, up to <see cref="TrainingOptions.ValidationTokens"/>.</param>
    /// <param name="folder">Where checkpoints and the curve go; nothing is written without.</param>
    /// <exception cref="ArgumentException">The options are not possible.</exception>
    public LanguageTrainer(TrainableDecoder decoder, IEnumerable<TrainingDocument> documents, IEnumerable<TrainingDocument> validation, TrainingOptions options, string? folder = null)
    {
        options.Validate();
        _decoder = decoder;
        _options = options;
        _optimizer = new AdamW(decoder.Parameters, options.Optimizer);
        _batches = new DocumentBatches(documents, options.BatchTokens);
        _validation = [.. TrainingBatch.InParts(HeldOut(validation, options.ValidationTokens))];
        _folder = folder is null ? null : new TrainingFolder(folder);
    }

    /// <summary>How many steps were taken.</summary>
    public long Step { get; private set; }

    /// <summary>How many tokens were trained on.</summary>
    public long Tokens { get; private set; }

    /// <summary>Takes up the last checkpoint of the folder.</summary>
    /// <returns>False when there is none.</returns>
    /// <exception cref="InvalidDataException">The checkpoint is damaged, or of another model; the message names it and what to do.</exception>
    public bool Resume()
    {
        if (_folder is null || _folder.LastCheckpoint() is not { } path) return false;
        TrainingPosition position = TrainingState.Load(path, _decoder, _optimizer);
        Step = position.Step;
        Tokens = position.Tokens;
        _smoothed = position.SmoothedLoss;
        _batches.MoveTo(position.Documents);
        _folder.CutCurve(Step);
        return true;
    }

    /// <summary>Trains to the last step.</summary>
    /// <param name="progress">Told of every step.</param>
    /// <param name="cancellation">Ends training after a step, with a checkpoint.</param>
    /// <exception cref="TrainingDivergedException">The loss or the gradients grew beyond use.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; what was done is saved.</exception>
    /// <exception cref="IOException">A checkpoint cannot be written; the one before it is still there.</exception>
    public void Run(Action<TrainingRecord>? progress = null, CancellationToken cancellation = default)
    {
        while (Step < _options.Steps)
        {
            if (cancellation.IsCancellationRequested)
            {
                Save();
                cancellation.ThrowIfCancellationRequested();
            }
            TrainingRecord record = TakeStep();
            bool last = Step == _options.Steps;
            if (_validation.Count > 0 && (last || Step % _options.ValidateEvery == 0)) record = record with { ValidationLoss = ValidationLoss() };
            _folder?.Append(record);
            if (last || Step % _options.CheckpointEvery == 0) Save();
            progress?.Invoke(record);
        }
    }

    /// <summary>The mean cross-entropy of the validation documents, in nats; NaN without any.</summary>
    public double ValidationLoss()
    {
        double sum = 0;
        bool frozen = _decoder.Frozen;
        _decoder.Frozen = true; // so that nothing is recorded
        try
        {
            foreach (TrainingBatch batch in _validation)
            {
                sum += _decoder.Loss(_tape, batch).Value.Row(0)[0];
                _tape.Reset();
            }
        }
        finally
        {
            _decoder.Frozen = frozen;
        }
        return _validation.Count == 0 ? double.NaN : sum;
    }

    public void Dispose() => _batches.Dispose();

    private TrainingRecord TakeStep()
    {
        long start = Stopwatch.GetTimestamp();
        double rate = _options.LearningRateAt(Step), loss = 0;
        int rows = 0;
        _decoder.ClearGradients();
        foreach (TrainingBatch part in TrainingBatch.InParts(_batches.Next()))
        {
            Variable result = _decoder.Loss(_tape, part);
            loss += result.Value.Row(0)[0];
            rows += part.Rows;
            _tape.Backward(result);
        }
        double norm = double.IsFinite(loss) ? _optimizer.Step(rate) : double.NaN;
        StopIfDiverged(loss, norm);
        Step++;
        Tokens += rows;
        return new TrainingRecord(Step, loss, rate, norm, Tokens, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private void StopIfDiverged(double loss, double norm)
    {
        _smoothed = double.IsNaN(_smoothed) ? loss : 0.9 * _smoothed + 0.1 * loss;
        double bound = 2 * Math.Log(_decoder.Specification.VocabularySize) + 2;
        string? what = !double.IsFinite(loss) ? $"the loss is {loss}"
            : !double.IsFinite(norm) ? $"the gradients' length is {norm}"
            : _smoothed > bound ? FormattableString.Invariant($"the loss has grown to {_smoothed:0.##}, more than twice that of guessing")
            : null;
        if (what is null) return;
        string? last = _folder?.LastCheckpoint();
        throw new TrainingDivergedException(Step + 1, last, $"Training diverged at step {Step + 1}: {what}. {(last is null ? "No checkpoint was written before" : $"The last good checkpoint is {last}")}; lower the learning rate ({_options.LearningRateAt(Step):g3} at this step) and go on from there.");
    }

    private void Save() => _folder?.Save(new TrainingPosition(Step, Tokens, _batches.Position, _smoothed), _decoder, _optimizer);

    private static List<TrainingDocument> HeldOut(IEnumerable<TrainingDocument> documents, int tokens)
    {
        List<TrainingDocument> held = [];
        foreach (TrainingDocument document in documents)
        {
            tokens -= document.Rows;
            if (tokens < 0) break;
            held.Add(document);
        }
        return held;
    }
}
