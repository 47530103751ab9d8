using System.IO.MemoryMappedFiles;

namespace Microtome.Numerics;

/// <summary>A whole file mapped read-only into memory. Pages are read when they are touched and can be dropped by the system at any time.</summary>
public sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _data;

    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public MappedFile(string path)
    {
        Path = path;
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        Length = stream.Length;
        if (Length == 0) return;
        _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _data = start + _view.PointerOffset;
        ResidentMemory.Register(this);
    }

    ~MappedFile() => Release();

    public string Path { get; }

    /// <summary>The size in bytes.</summary>
    public long Length { get; }

    /// <summary>The first byte; null when the file is empty.</summary>
    public byte* Data => _data;

    /// <summary>Up to 2 GB of the file.</summary>
    public ReadOnlySpan<byte> Span(long offset, int length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset), $"{Path}: bytes {offset} to {offset + length} are outside its {Length}.");
        return new ReadOnlySpan<byte>(_data + offset, length);
    }

    /// <summary>Lets the system have the file's pages back; they are read again when they are touched.</summary>
    internal void ReleasePages()
    {
        ResidentMemory.ReleasePages(_data, Length);
        GC.KeepAlive(this); // were it collected meanwhile, the addresses could be another's
    }

    /// <summary>Unmaps the file. No view of it may be used afterwards.</summary>
    public void Dispose()
    {
        ResidentMemory.Unregister(this);
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (_view is { SafeMemoryMappedViewHandle: { IsClosed: false } handle })
        {
            handle.ReleasePointer();
            _view.Dispose();
        }
        _file?.Dispose();
    }
}
