using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>
/// Changes latents of one autoencoder: all are read where it reads, before any is changed, and where it writes decoder rows are added times the differences of
/// their activations. What it leaves unexplained stays as it is.
/// </summary>
internal sealed class AutoencoderSteering
{
    private readonly SparseAutoencoder _autoencoder;
    private readonly RowEdits<AutoencoderEdit> _edits;
    private readonly float[][] _decoderRows; // by edit
    private readonly (HookPoint Point, int Layer) _input, _output;
    private readonly SteeringMeasure? _measure;
    private readonly RowEdit<AutoencoderEdit> _read, _note, _write;
    private float[] _differences = []; // [edits, rows] of the pass that is under way
    private Tensor? _activations;      // [rows, latents], where one depends on the others
    private int _rows;

    /// <param name="edits">Each with the sequence that it is for; -1 for all.</param>
    public AutoencoderSteering(SparseAutoencoder autoencoder, ModelSpecification model, IReadOnlyList<(AutoencoderEdit Edit, int Sequence)> edits, SteeringMeasure? measure)
    {
        _autoencoder = autoencoder;
        (_read, _note, _write) = (Read, Note, Write);
        _edits = new RowEdits<AutoencoderEdit>(edits);
        _decoderRows = [.. edits.Select(one =>
        {
            float[] row = new float[autoencoder.OutputWidth];
            autoencoder.DecoderRow(one.Edit.Latent, row);
            return row;
        })];
        (HookPoint point, int layer, HookPoint outputPoint, int outputLayer) = autoencoder.FindHooks(model);
        (_input, _output) = (Place(point, layer), Place(outputPoint, outputLayer));
        _measure = StreamPoints.Adds(_output.Point, model) ? measure : null;
    }

    /// <summary>The stream before a layer is that after the one before it, where what steering does is looked for.</summary>
    internal static (HookPoint Point, int Layer) Place(HookPoint point, int layer) => point == HookPoint.ResidPre && layer > 0 ? (HookPoint.ResidPost, layer - 1) : (point, layer);

    public void AddTo(ForwardHooks hooks)
    {
        hooks.Add(_input.Point, _input.Layer, OnInput);
        hooks.Add(_output.Point, _output.Layer, OnOutput);
        if (_measure is not null && _output.Point != HookPoint.ResidPost) hooks.Add(HookPoint.ResidPost, _output.Layer, _measure.Compare);
    }

    private void OnInput(Tensor input, HookContext at)
    {
        _rows = input.Rows;
        if (_differences.Length < _edits.All.Count * _rows) _differences = new float[_edits.All.Count * _rows];
        _activations = _autoencoder.Activation.NeedsAllFeatures ? _autoencoder.Encode(input.AsMatrix()) : null;
        _edits.Apply(input, at, _read);
    }

    private void OnOutput(Tensor output, HookContext at)
    {
        if (_measure is not null)
        {
            _measure.Begin(output, at);
            _edits.Apply(output, at, _note);
            if (_output.Point == HookPoint.ResidPost) _measure.Compare(output, at); // with the stream as it is before
        }
        _edits.Apply(output, at, _write);
    }

    private void Read(AutoencoderEdit edit, int index, Span<float> row, int at)
    {
        float present = _activations is not null ? _activations.Row(at)[edit.Latent] : _autoencoder.Encode(row, edit.Latent);
        _differences[index * _rows + at] = edit.Change.Of(present) * _autoencoder.OutputScale(row);
    }

    private void Note(AutoencoderEdit edit, int index, Span<float> row, int at) => _measure!.Add(at, _differences[index * _rows + at], _decoderRows[index]);

    private void Write(AutoencoderEdit edit, int index, Span<float> row, int at)
    {
        if (_differences[index * _rows + at] is var difference && difference != 0) VectorOperations.AddScaled(row, difference, _decoderRows[index]);
    }
}
