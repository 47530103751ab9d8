namespace Microtome.Experiments;

/// <summary>Whether the model notices an injected thought: yes or no, against random vectors, control questions, no injection and the third person.</summary>
internal static class InjectedThoughtExperiment
{
    public static ExperimentOutcome Run(ExperimentContext context)
    {
        ExperimentOutcome outcome = new();
        IReadOnlyList<YesNoQuestion> questions = QuestionSet.Build(context);
        ShiftTable shifts = ShiftTable.From(Sweep(context, "cells", questions, context.Vectors, context.Layers).Run());
        Separation separation = Separation.Measure(shifts, context.Settings.Seed, context.Settings.Resamples);
        SeparationReport.Describe(context, outcome, shifts, separation);
        return outcome;
    }

    /// <summary>Every question without injection, and under every vector at every layer and strength.</summary>
    /// <param name="always">Changes that hold in every cell.</param>
    public static TrialSweep Sweep(ExperimentContext context, string name, IReadOnlyList<YesNoQuestion> questions, IReadOnlyList<InjectedVector> vectors, IReadOnlyList<int> layers, Steering? always = null)
    {
        TrialSweep sweep = new(context, name, [ShiftTable.QuestionFactor, ShiftTable.RoleFactor, ShiftTable.VectorFactor, ShiftTable.KindFactor, ShiftTable.LayerFactor, ShiftTable.StrengthFactor], QuestionSet.Options);
        Steering With(Steering injection) => always is null ? injection : new Steering([.. always.Edits, .. injection.Edits]);
        int group = 0;
        foreach (YesNoQuestion question in questions)
        {
            sweep.Add(question.Prompt, always, group++, question.Prompt.Name, question.Role.Name(), "", InjectedVector.NoKind, -1, 0.0);
            foreach (int layer in layers)
            {
                foreach (InjectedVector vector in vectors)
                    foreach (double strength in context.Settings.Strengths)
                        sweep.Add(question.Prompt, With(vector.At(layer, strength, question.Positions, context.Settings.Unit)), group, question.Prompt.Name, question.Role.Name(), vector.Name, vector.Kind, layer, strength);
                group++;
            }
        }
        return sweep;
    }
}
