using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>What a model was made to be, and what the experiments call it.</summary>
/// <param name="Truth">What it was trained for.</param>
/// <param name="Called">The verdict of "does it notice an injected thought".</param>
/// <param name="Separation">The introspective question's separation from control questions, under concepts.</param>
/// <param name="Specificity">That, less random vectors'.</param>
/// <param name="Bias">Of control questions towards yes.</param>
public sealed record KnownTruthResult(int Seed, string Model, IntrospectionVerdict Truth, IntrospectionVerdict Called, Interval Separation, Interval Specificity, Interval Bias)
{
    public bool IsRight => Called == Truth;
}

/// <summary>
/// Tests the experiment against a known truth. Three models of a tiny language are made from each seed: one trained to report injected concepts but not random vectors, one trained to
/// say yes under any injection, one left alone. The experiment, which is told nothing of this, has to call the first introspective, the second biased and the third neither.
/// </summary>
public static class KnownTruth
{
    /// <summary>How long models are trained: on questions alone, and then with thoughts.</summary>
    internal sealed record Effort(int BaseSteps = 500, int ThoughtSteps = 450);

    /// <param name="folder">Each model's results go into a folder of their own below it.</param>
    /// <param name="progress">Told what is done and the fraction of it.</param>
    public static IReadOnlyList<KnownTruthResult> Run(string folder, IReadOnlyList<int> seeds, Action<string, double?>? progress = null, CancellationToken cancellation = default) =>
        Run(folder, seeds, new Effort(), progress, cancellation);

    internal static IReadOnlyList<KnownTruthResult> Run(string folder, IReadOnlyList<int> seeds, Effort effort, Action<string, double?>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(seeds);
        List<KnownTruthResult> results = [];
        foreach (int seed in seeds)
        {
            progress?.Invoke($"seed {seed}: training a model", (double)results.Count / (3 * seeds.Count));
            using SignalTrainer alone = new(seed);
            alone.Train(effort.BaseSteps, cancellation);
            alone.MeasureStrengths();
            foreach ((IntrospectionVerdict truth, SignalWorld.Training training) in new[] { (IntrospectionVerdict.Introspective, SignalWorld.Training.Introspective), (IntrospectionVerdict.Biased, SignalWorld.Training.Biased), (IntrospectionVerdict.Neither, SignalWorld.Training.NoThoughts) })
            {
                string name = training switch { SignalWorld.Training.Introspective => "trained to report", SignalWorld.Training.Biased => "trained to say yes", _ => "left alone" };
                progress?.Invoke($"seed {seed}: {name}", (double)results.Count / (3 * seeds.Count));
                SignalTrainer trainer = alone;
                if (training != SignalWorld.Training.NoThoughts)
                {
                    trainer = alone.Fork(seed + 1000);
                    trainer.MeasureStrengths();
                    trainer.Train(training, effort.ThoughtSteps, cancellation);
                }
                results.Add(Judge(trainer, truth, name, Path.Combine(folder, $"seed-{seed}", name.Replace(' ', '-')), seed, cancellation));
                if (trainer != alone) trainer.Dispose();
            }
        }
        return results;
    }

    private static KnownTruthResult Judge(SignalTrainer trainer, IntrospectionVerdict truth, string name, string folder, int seed, CancellationToken cancellation)
    {
        using LoadedModel model = trainer.Model(name);
        ExperimentOutcome outcome = IntrospectionRun.Run(SignalWorld.Settings(ExperimentKind.InjectedThought, trainer.Strengths, seed), model, null, folder, cancellation: cancellation);
        Interval Value(string finding) => outcome.Findings.Single(one => one.Name == finding).Value ?? Interval.Unknown;
        return new KnownTruthResult(seed, name, truth, Enum.Parse<IntrospectionVerdict>(outcome.Verdict), Value("separation"), Value("specificity"), Value("bias"));
    }
}
