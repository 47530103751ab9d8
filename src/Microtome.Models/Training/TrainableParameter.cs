using Microtome.Numerics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Models.Training;

/// <summary>A tensor that is trained. Matrices that are multiplied with the same input are kept as one.</summary>
public sealed class TrainableParameter
{
    private readonly Tensor _gradient;

    internal TrainableParameter(string name, Tensor value, bool isMatrix, params ParameterPart[] parts)
    {
        Name = name;
        Value = value;
        IsMatrix = isMatrix;
        Parts = parts;
        _gradient = Tensor.Uninitialized(value.Shape);
        Variable = Variable.Parameter(value.AsMatrix(), _gradient.AsMatrix());
        Fixed = Tape.Constant(value);
    }

    /// <summary>What training's own files call it.</summary>
    public string Name { get; }

    /// <summary>[rows, columns]</summary>
    public Tensor Value { get; }

    /// <summary>Whether it is a matrix, and not a norm's scale: weight decay is for matrices alone.</summary>
    public bool IsMatrix { get; }

    /// <summary>The checkpoint's tensors in it, by rows.</summary>
    public IReadOnlyList<ParameterPart> Parts { get; }

    /// <summary>The value with its gradient.</summary>
    public Variable Variable { get; }

    /// <summary>The value as a constant.</summary>
    internal Variable Fixed { get; }

    /// <summary>The gradient since it was last cleared [rows, columns].</summary>
    public Tensor Gradient
    {
        get
        {
            _ = Variable.Gradient; // zeros where nothing was written
            return _gradient;
        }
    }
}

/// <summary>Rows of a parameter that are a tensor of the checkpoint.</summary>
public readonly record struct ParameterPart(string Name, int Rows);
