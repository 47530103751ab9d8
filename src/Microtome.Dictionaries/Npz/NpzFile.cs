using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>NumPy's archive of arrays.</summary>
public sealed class NpzFile : IDisposable
{
    private readonly MappedFile _file;

    private NpzFile(MappedFile file, Dictionary<string, StoredTensor> arrays)
    {
        _file = file;
        Arrays = arrays;
    }

    public IReadOnlyDictionary<string, StoredTensor> Arrays { get; }

    public static NpzFile Open(string path) => new(new MappedFile(path), []);

    public void Dispose() => _file.Dispose();
}
