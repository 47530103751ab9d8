using Microtome.Numerics;

namespace Microtome.Models;

/// <summary>The keys and values of a sequence's tokens so far, so that further tokens need only their own.</summary>
public sealed class KeyValueCache
{
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;
    private readonly ModelSpecification _model;
    private int _stored;

    /// <param name="capacity">The most tokens that it can hold.</param>
    public KeyValueCache(ModelSpecification model, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, model.ContextLength);
        _model = model;
        Capacity = capacity;
        int width = model.Attention.KeyValueHeads * model.Attention.HeadWidth;
        _keys = new Tensor[model.Layers.Count];
        _values = new Tensor[model.Layers.Count];
        for (int layer = 0; layer < _keys.Length; layer++)
        {
            _keys[layer] = Tensor.Uninitialized(capacity, width);
            _values[layer] = Tensor.Uninitialized(capacity, width);
        }
    }

    public int Capacity { get; }

    /// <summary>How many tokens it holds. Setting it lower forgets the last ones.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is set below zero or above the tokens held.</exception>
    public int Length
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, _stored);
            field = value;
        }
    }

    /// <summary>A cache with a copy of the tokens held.</summary>
    /// <param name="capacity">The most tokens that the copy can hold.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is less than the tokens held, or more than the model's context.</exception>
    public KeyValueCache Fork(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, Length);
        KeyValueCache fork = new(_model, capacity);
        for (int layer = 0; layer < _keys.Length; layer++)
        {
            int held = Length * _keys[layer].Columns;
            _keys[layer].Span[..held].CopyTo(fork._keys[layer].Span);
            _values[layer].Span[..held].CopyTo(fork._values[layer].Span);
        }
        fork._stored = Length;
        fork.Length = Length;
        return fork;
    }

    /// <summary>Stores rows after the tokens held so far and returns all keys and values including them; <see cref="Length"/> is advanced by the caller after the last layer.</summary>
    internal (Matrix Keys, Matrix Values) Append(int layer, Matrix keys, Matrix values)
    {
        for (int row = 0; row < keys.Rows; row++)
        {
            keys.Row(row).CopyTo(_keys[layer].Row(Length + row));
            values.Row(row).CopyTo(_values[layer].Row(Length + row));
        }
        int total = Length + keys.Rows;
        _stored = total;
        return (_keys[layer].AsMatrix().RowRange(0, total), _values[layer].AsMatrix().RowRange(0, total));
    }
}
