using System.Diagnostics;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>What the rows of a graph will need, known once a prompt's features are.</summary>
/// <param name="Features">Features that are active on the prompt.</param>
/// <param name="Rows">Rows that will be computed: chosen features and targets.</param>
/// <param name="Sources">The columns of each row.</param>
/// <param name="Bytes">Memory for edges, the batches' gradients and decoder rows, beside what is held when the rows begin.</param>
/// <param name="Operations">Floating-point operations that the rows cannot do without; an estimate where not all features are chosen.</param>
public sealed record AttributionPlan(int Features, int Rows, int Sources, long Bytes, double Operations)
{
    /// <summary>The share of the rate of large matrix products that rows reach.</summary>
    private const double Efficiency = 0.7;

    internal static AttributionPlan For(LocalReplacement local, int targets, AttributionOptions options)
    {
        ModelSpecification model = local.Model.Specification;
        int chosen = Math.Min(options.MaximumFeatures ?? int.MaxValue, local.Features.Count), rows = chosen + targets;
        double features = local.Features.Sum(feature => OperationsOf(model, local, feature.Layer, feature.Position));
        double operations = targets * OperationsOf(model, local, local.Layers, local.Positions - 1) + features * chosen / Math.Max(1, local.Features.Count);

        long positions = local.Positions, attention = model.Attention.Heads * model.Attention.HeadWidth;
        long gradients = Math.Min(rows, options.BatchSize) * positions;
        long floats = (long)rows * local.Sources + LeadingTokens.SizeOf(local, rows)
            + gradients * (2L * model.ModelWidth + attention) + (long)local.Features.Count / Math.Max(1, local.Layers) * model.ModelWidth * (local.Model.Transcoders.IsCrossLayer ? local.Layers : 1);
        return new AttributionPlan(local.Features.Count, rows, local.Sources, floats * sizeof(float), operations);
    }

    /// <summary>How long the rows will take at the rate that matrix products reach here and now.</summary>
    public TimeSpan EstimateTime()
    {
        const int Size = 512;
        Tensor a = new(Size, Size), b = new(Size, Size), c = new(Size, Size);
        double best = double.PositiveInfinity;
        for (int run = 0; run < 4; run++) // the first one starts threads and compiles
        {
            long start = Stopwatch.GetTimestamp();
            MatrixProduct.Multiply(a.AsMatrix(), b.AsMatrix(), c.AsMatrix());
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return TimeSpan.FromSeconds(Operations / (2.0 * Size * Size * Size / best * Efficiency));
    }

    /// <summary>Checks that the rows fit into memory.</summary>
    /// <param name="available">Bytes beside what is held already.</param>
    /// <exception cref="ArgumentException">They do not; the message says what does.</exception>
    internal void CheckFits(long available)
    {
        available = Math.Max(0, available);
        long edges = (long)Rows * Sources, perRow = (long)Sources * sizeof(float), fixedBytes = Bytes - Rows * perRow;
        if (Bytes <= available && edges <= Tensor.MaximumLength) return;
        long fitting = Math.Min(Math.Max(0, (available - fixedBytes) / perRow * 9 / 10), Tensor.MaximumLength / Sources - 1);
        throw new ArgumentException(
            (Bytes > available
                ? $"The graph of {Features:N0} features needs {Bytes >> 20:N0} MB for {Rows:N0} rows of {Sources:N0} sources; {available >> 20:N0} MB are available. "
                : $"The graph of {Features:N0} features has {Rows:N0} rows of {Sources:N0} sources, {edges:N0} possible edges; there may be {Tensor.MaximumLength:N0}. ")
            + (fitting > 0 ? $"Trace those with the most influence: --max-features {fitting}." : "Use a shorter prompt, or give it more memory."));
    }

    /// <summary>What one target needs: attention's projections and its mixing of positions in the layers below, and a dot product for each source.</summary>
    private static double OperationsOf(ModelSpecification model, LocalReplacement local, int layer, int position)
    {
        double width = model.ModelWidth, heads = model.Attention.Heads * model.Attention.HeadWidth, values = model.Attention.KeyValueHeads * model.Attention.HeadWidth;
        double gradients = (double)layer * (position + 1);
        double sources = (double)local.Features.Count * layer / Math.Max(1, local.Layers) * (position + 1) / local.Positions;
        return 2 * gradients * width * (heads + values) + gradients * heads * (position + 2) + 2 * width * sources;
    }
}
