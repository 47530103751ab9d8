using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>Changes latents of one layer: reads their activations where the dictionary reads, and adds decoder rows times the differences where it writes.</summary>
internal sealed class LatentSteering
{
    private readonly Transcoder _transcoder;
    private readonly TranscoderSet _dictionary;
    private readonly RowEdits<LatentEdit> _edits;
    private readonly float[][] _encoderRows;
    private readonly float[][][] _decoderRows; // by target, by edit
    private readonly SteeringMeasure? _measure;
    private readonly RowEdit<LatentEdit> _read, _note, _write;
    private float[] _differences = [];         // [edits, rows] of the pass that is under way
    private Tensor? _activations;              // [rows, latents], where one depends on the others
    private int _rows, _target;

    /// <param name="edits">Each with the sequence that it is for; -1 for all.</param>
    /// <param name="measure">Told what is written, where that is added to the stream as it is.</param>
    public LatentSteering(TranscoderSet dictionary, int layer, IReadOnlyList<(LatentEdit Edit, int Sequence)> edits, SteeringMeasure? measure)
    {
        _dictionary = dictionary;
        _measure = measure;
        (_read, _note, _write) = (Read, Note, Write);
        _transcoder = dictionary.Layers[layer];
        _edits = new RowEdits<LatentEdit>(edits);
        _encoderRows = [.. edits.Select(one => Row(row => _transcoder.Encoder.CopyRow(one.Edit.Feature, row)))];
        _decoderRows = [.. Enumerable.Range(layer, _transcoder.Targets).Select(target => edits.Select(one => Row(row => _transcoder.DecoderRow(one.Edit.Feature, target, row))).ToArray())];
    }

    public void AddTo(ForwardHooks hooks)
    {
        hooks.Add(_dictionary.Input, _transcoder.Layer, OnInput);
        for (int target = _transcoder.Layer; target < _transcoder.Layer + _transcoder.Targets; target++)
        {
            hooks.Add(_dictionary.Output, target, OnOutput);
            if (_measure is { } measure) hooks.Add(HookPoint.ResidPost, target, measure.Compare);
        }
    }

    private void OnInput(Tensor input, HookContext at)
    {
        _rows = input.Rows;
        if (_differences.Length < _edits.All.Count * _rows) _differences = new float[_edits.All.Count * _rows];
        _activations = _transcoder.Activation.NeedsAllFeatures ? _transcoder.Encode(input.AsMatrix()) : null;
        _edits.Apply(input, at, _read);
    }

    private void OnOutput(Tensor output, HookContext at)
    {
        _target = at.Layer - _transcoder.Layer;
        if (_measure is { } measure)
        {
            measure.Begin(output, at);
            _edits.Apply(output, at, _note);
        }
        _edits.Apply(output, at, _write);
    }

    private void Read(LatentEdit edit, int index, Span<float> row, int at) =>
        _differences[index * _rows + at] = edit.Change.Of(_activations is not null ? _activations.Row(at)[edit.Feature] : Activation(edit.Feature, index, row));

    private void Note(LatentEdit edit, int index, Span<float> row, int at) => _measure!.Add(at, _differences[index * _rows + at], _decoderRows[_target][index]);

    private void Write(LatentEdit edit, int index, Span<float> row, int at)
    {
        if (_differences[index * _rows + at] is var difference && difference != 0) VectorOperations.AddScaled(row, difference, _decoderRows[_target][index]);
    }

    private float Activation(int feature, int index, ReadOnlySpan<float> input)
    {
        Span<float> value = [VectorOperations.Dot(_encoderRows[index], input) + _transcoder.EncoderBias.Span[feature]];
        _transcoder.Activation.Apply(value, feature);
        return value[0];
    }

    private float[] Row(Action<float[]> read)
    {
        float[] row = new float[_transcoder.Width];
        read(row);
        return row;
    }
}
