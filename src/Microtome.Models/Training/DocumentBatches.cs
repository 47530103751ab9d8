namespace Microtome.Models.Training;

/// <summary>Cuts an endless stream of documents into batches: as many whole documents as fit.</summary>
/// <param name="documents">The same documents whenever it is enumerated anew, so that training can go on from where it was.</param>
/// <param name="batchTokens">The most rows of a batch.</param>
public sealed class DocumentBatches(IEnumerable<TrainingDocument> documents, int batchTokens) : IDisposable
{
    private IEnumerator<TrainingDocument>? _stream;
    private TrainingDocument? _waiting;

    /// <summary>How many documents were taken.</summary>
    public long Position { get; private set; }

    /// <summary>Goes to where as many documents have been taken.</summary>
    /// <exception cref="InvalidDataException">The stream has not that many.</exception>
    public void MoveTo(long position)
    {
        _stream?.Dispose();
        _stream = documents.GetEnumerator();
        _waiting = null;
        for (Position = 0; Position < position; Position++)
            if (!_stream.MoveNext()) throw new InvalidDataException($"The stream of documents ends after {Position}; training was at {position} before. Resume with the same data.");
    }

    /// <summary>The next documents.</summary>
    /// <exception cref="InvalidDataException">The stream has ended, or its next document is larger than a batch.</exception>
    public IReadOnlyList<TrainingDocument> Next()
    {
        _stream ??= documents.GetEnumerator();
        List<TrainingDocument> batch = [];
        int rows = 0;
        while (true)
        {
            if (_waiting is null)
            {
                if (!_stream.MoveNext())
                {
                    if (batch.Count > 0) return batch;
                    throw new InvalidDataException("There are no more documents to train on.");
                }
                _waiting = _stream.Current;
            }
            if (rows + _waiting.Rows > batchTokens) break;
            rows += _waiting.Rows;
            batch.Add(_waiting);
            _waiting = null;
            Position++;
        }
        return batch.Count > 0 ? batch : throw new InvalidDataException($"A document of {_waiting.Rows} tokens does not fit into a batch of {batchTokens}.");
    }

    public void Dispose() => _stream?.Dispose();
}
