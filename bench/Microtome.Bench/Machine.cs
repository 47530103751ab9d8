using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>What this computer is and can do.</summary>
internal static class Machine
{
    public static string Processor { get; } = Find("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString();

    /// <summary>The most memory that this process has held at once, mapped files included; null where the system does not say.</summary>
    public static long? PeakBytes => Kilobytes("VmHWM");

    /// <summary>Memory of its own that this process holds now, mapped files left out.</summary>
    public static long? OwnBytes => Kilobytes("RssAnon");

    /// <summary>The rate of multiplying large square matrices with all threads, in floating-point operations a second: the best of ten.</summary>
    public static double ProductRate()
    {
        const int Size = 2048;
        Tensor a = Tensor.Uninitialized(Size, Size), b = Tensor.Uninitialized(Size, Size), c = Tensor.Uninitialized(Size, Size);
        a.Span.Fill(1);
        b.Span.Fill(1);
        return 2.0 * Size * Size * Size / Best(10, () => MatrixProduct.Multiply(a.AsMatrix(), b.AsMatrix(), c.AsMatrix()));
    }

    /// <summary>Bytes a second of summing 256 MB with all threads: the best of ten.</summary>
    public static double ReadRate()
    {
        Tensor data = Tensor.Uninitialized(64 << 20);
        data.Span.Fill(1); // pages that were never written would all be one page of zeros
        int pieces = 8 * WorkerPool.Threads, length = data.Length / pieces;
        float[] sums = new float[pieces];
        return (double)data.Length * sizeof(float) / Best(10, () => WorkerPool.For(pieces, piece => sums[piece] = System.Numerics.Tensors.TensorPrimitives.Sum<float>(data.Span.Slice(piece * length, length))));
    }

    /// <summary>Bytes a second of summing stored tensors where they lie, as float32, with all threads: the best of so many times.</summary>
    public static unsafe double ReadRate(IReadOnlyList<StoredTensor> tensors, int times)
    {
        const long Piece = 1 << 20;
        List<(StoredTensor Tensor, long Start, int Floats)> pieces = [];
        foreach (StoredTensor tensor in tensors)
            for (long start = 0; start + sizeof(float) <= tensor.Bytes; start += Piece) pieces.Add((tensor, start, (int)(Math.Min(Piece, tensor.Bytes - start) / sizeof(float))));
        float[] sums = new float[pieces.Count];
        double seconds = Best(times, () => WorkerPool.For(pieces.Count, i =>
            sums[i] = System.Numerics.Tensors.TensorPrimitives.Sum<float>(new ReadOnlySpan<float>(pieces[i].Tensor.Data + pieces[i].Start, pieces[i].Floats))));
        return tensors.Sum(tensor => tensor.Bytes) / seconds;
    }

    private static double Best(int times, Action action)
    {
        double best = double.MaxValue;
        for (int i = 0; i < times; i++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    private static long? Kilobytes(string key) =>
        Find("/proc/self/status", key) is { } text ? long.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture) * 1024 : null;

    /// <summary>The value in a line <c>key: value</c>.</summary>
    private static string? Find(string path, string key)
    {
        string? line = File.Exists(path) ? File.ReadLines(path).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
