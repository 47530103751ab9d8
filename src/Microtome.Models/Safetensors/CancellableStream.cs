namespace Microtome.Models.Safetensors;

/// <summary>Passes what is written on, until it is cancelled: a tensor of gigabytes ends between two of its rows.</summary>
internal sealed class CancellableStream(Stream target, CancellationToken cancellation) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => target.Length;

    public override long Position
    {
        get => target.Position;
        set => throw new NotSupportedException("Tensors are written in order.");
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        cancellation.ThrowIfCancellationRequested();
        target.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => target.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Tensors are only written.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("Tensors are written in order.");

    public override void SetLength(long value) => throw new NotSupportedException("Tensors are written in order.");
}
