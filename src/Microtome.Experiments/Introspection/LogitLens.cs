using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>What the stream would say if the model ended after a layer (nostalgebraist 2020).</summary>
internal static class LogitLens
{
    /// <summary>The logit of yes less that of no after each layer at the answer's position, first tokens of all spellings together.</summary>
    public static double[] YesLessNo(ExperimentContext context, TrialPrompt prompt, Steering? change)
    {
        Transformer model = context.Model.Transformer;
        int layers = model.Specification.Layers.Count;
        Tensor states = Tensor.Uninitialized(layers, model.Specification.ModelWidth);
        ForwardHooks hooks = change?.Hooks(model.Specification) ?? new ForwardHooks();
        for (int layer = 0; layer < layers; layer++) hooks.Add(HookPoint.ResidPost, layer, (stream, at) => stream.Row(stream.Rows - 1).CopyTo(states.Row(at.Layer)));
        model.Forward(prompt.Tokens, hooks, logits: LogitRows.None, cancellation: context.Cancellation);
        model.Weights.FinalNorm?.Apply(states.AsMatrix());
        Tensor logits = model.Unembed(states);
        double[] differences = new double[layers];
        for (int layer = 0; layer < layers; layer++)
        {
            double Of(int option)
            {
                List<double> values = [];
                foreach (int token in prompt.Options.FirstTokensOf(option)) values.Add(logits.Row(layer)[token]);
                return Descriptive.LogSumExp(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(values));
            }
            differences[layer] = Of(0) - Of(1);
        }
        return differences;
    }
}
