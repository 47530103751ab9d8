using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>A dictionary in training, and which sites of the activations it reads and predicts.</summary>
/// <param name="Inputs">Indexes of the source's sites, one for each block.</param>
internal sealed record Trainee(TrainableDictionary Dictionary, IReadOnlyList<int> Inputs, IReadOnlyList<int> Outputs);

/// <summary>How training went between two reports.</summary>
/// <param name="Step">The last step.</param>
/// <param name="Unexplained">The share of the outputs' variance that is not predicted.</param>
/// <param name="Active">Active latents a token.</param>
/// <param name="Dead">Latents that have not been active for long.</param>
public readonly record struct DictionaryProgress(string Dictionary, long Step, long Steps, double Loss, double Unexplained, double Active, int Dead, int Latents);

/// <summary>Trains dictionaries together on one stream of activations.</summary>
internal sealed class DictionaryTrainer
{
    private const double WorstLoss = 1000; // times the variance of the outputs
    private readonly ActivationSource _source;
    private readonly IReadOnlyList<Trainee> _trainees;
    private readonly TrainingSchedule _schedule;
    private readonly DictionaryCheckpoint? _checkpoint;
    private readonly Sums[] _sums;

    /// <param name="checkpoint">Where to go on from and what to write; nothing for neither.</param>
    public DictionaryTrainer(ActivationSource source, IReadOnlyList<Trainee> trainees, TrainingSchedule schedule, DictionaryCheckpoint? checkpoint = null)
    {
        schedule.Validate();
        _source = source;
        _trainees = trainees;
        _schedule = schedule;
        _checkpoint = checkpoint;
        _sums = new Sums[trainees.Count];
    }

    /// <summary>Called now and then with how each dictionary is doing.</summary>
    public Action<IReadOnlyList<DictionaryProgress>>? Report { get; init; }

    /// <summary>Called after each step with the number of steps taken.</summary>
    public Action<long>? Stepped { get; init; }

    /// <summary>Trains from the last checkpoint, or from the beginning, to the end.</summary>
    /// <returns>Where the activations go on, for those that training has not seen.</returns>
    /// <exception cref="DictionaryDivergedException">A loss is not finite or absurd; the message names the step and the last good checkpoint.</exception>
    public long Run(CancellationToken cancellation = default)
    {
        TrainableDictionary[] dictionaries = [.. _trainees.Select(trainee => trainee.Dictionary)];
        TrainingPlace place = new(0, 0, 0);
        if (_checkpoint?.Last() is { } last) place = _checkpoint.Load(last, dictionaries);
        ActivationChunk? chunk = null;
        long every = Math.Max(1, _schedule.Steps / 50);
        while (place.Step < _schedule.Steps)
        {
            cancellation.ThrowIfCancellationRequested();
            chunk ??= Read(place.Chunk, cancellation);
            if (place.Row + _schedule.BatchTokens > chunk.Tokens)
            {
                place = place with { Chunk = chunk.Next, Row = 0 };
                chunk = Read(place.Chunk, cancellation);
            }
            if (place.Step == 0) Start(chunk);
            Step(chunk, place.Row, place.Step + 1);
            place = place with { Step = place.Step + 1, Row = place.Row + _schedule.BatchTokens };
            Stepped?.Invoke(place.Step);
            if (place.Step % every == 0 || place.Step == _schedule.Steps) Tell(place.Step);
            if (place.Step % _schedule.CheckpointSteps == 0 && place.Step < _schedule.Steps) _checkpoint?.Save(place, dictionaries);
        }
        chunk ??= Read(place.Chunk, cancellation);
        foreach (Trainee trainee in _trainees) trainee.Dictionary.Calibrate([.. trainee.Inputs.Select(site => chunk.Sites[site].AsMatrix())], _schedule.BatchTokens);
        return chunk.Next;
    }

    private ActivationChunk Read(long position, CancellationToken cancellation)
    {
        ActivationChunk chunk = _source.Read(position, cancellation);
        return chunk.Tokens >= _schedule.BatchTokens ? chunk
            : throw new InvalidDataException($"{_source.Name} gives {chunk.Tokens} tokens at once, fewer than a batch of {_schedule.BatchTokens}; give a smaller batch.");
    }

    private void Start(ActivationChunk chunk)
    {
        foreach (Trainee trainee in _trainees)
            trainee.Dictionary.Start([.. trainee.Inputs.Select(site => chunk.Sites[site].AsMatrix())], [.. trainee.Outputs.Select(site => chunk.Sites[site].AsMatrix())]);
    }

    private void Step(ActivationChunk chunk, int row, long step)
    {
        Exception?[] failures = new Exception?[_trainees.Count];
        // As many dictionaries at once as there are threads; fewer than threads share their products among them. The results are the same.
        if (_trainees.Count >= WorkerPool.Threads) WorkerPool.For(_trainees.Count, One);
        else for (int i = 0; i < _trainees.Count; i++) One(i);
        foreach (Exception? failure in failures)
            if (failure is not null) throw failure;

        void One(int index)
        {
            Trainee trainee = _trainees[index];
            TrainableDictionary dictionary = trainee.Dictionary;
            Matrix[] inputs = [.. trainee.Inputs.Select(site => Batch(chunk, site, row))], outputs = [.. trainee.Outputs.Select(site => Batch(chunk, site, row))];
            DictionaryStep result = dictionary.AddGradients(inputs, outputs, _schedule.SparsityShare(step));
            if (!double.IsFinite(result.Loss) || result.Loss * _schedule.BatchTokens > WorstLoss * result.Variance + 1e-20)
            {
                string? last = _checkpoint?.Last();
                failures[index] = new DictionaryDivergedException(dictionary.Name, step, last,
                    $"Training of '{dictionary.Name}' diverged at step {step}: its loss is {result.Loss:g4}. {(last is null ? "No checkpoint was written before." : $"The last good checkpoint is {last}.")} Lower --learning-rate.");
                return;
            }
            dictionary.Step(dictionary.Options.LearningRate * _schedule.LearningRateShare(step), step);
            if (dictionary.Options.DeadOrUsual == DeadLatents.Resample && _schedule.Resamples(step))
                dictionary.Resample(inputs, outputs, new Random(TrainableDictionary.HashCode(dictionary.Options.Seed, -step)));
            _sums[index].Add(result);
        }
    }

    private Matrix Batch(ActivationChunk chunk, int site, int row) => chunk.Sites[site].AsMatrix().RowRange(row, _schedule.BatchTokens);

    private void Tell(long step)
    {
        Report?.Invoke([.. _trainees.Select((trainee, i) => _sums[i].Progress(trainee.Dictionary, step, _schedule.Steps))]);
        Array.Clear(_sums);
    }

    /// <summary>What is summed up between two reports.</summary>
    private record struct Sums(int Steps, double Loss, double SquaredError, double Variance, double Active, int Dead)
    {
        public void Add(DictionaryStep step) =>
            this = new Sums(Steps + 1, Loss + step.Loss, SquaredError + step.SquaredError, Variance + step.Variance, Active + step.Active, step.Dead);

        public readonly DictionaryProgress Progress(TrainableDictionary dictionary, long step, long steps) =>
            new(dictionary.Name, step, steps, Loss / Steps, SquaredError / Variance, Active / Steps, Dead, dictionary.Options.Latents * dictionary.Blocks.Count);
    }
}
