using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>Times matrix products, side by side with OpenBLAS where that is installed.</summary>
internal static unsafe class GemmCommand
{
    private const string DefaultShapes =
        "2048x2048x2048,2048x2048x2048:t,2048x2048x2048:packed,8000x1024x2048:packed,8000x1024x1024:packed,8000x2048x1024:packed," +
        "8000x1024x2048:bf16:packed,8000x1024x2048:bf16:t,32x1024x25,32x1024x25:t,32x1024x3072,32x1024x3072:t,32x1024x3072:packed,32x1024x3072:bf16:t," +
        "32x1024x3072:bf16:packed,4x4096x16384:t,1x4096x16384:t,1x4096x16384,1x4096x16384:packed,1x4096x16384:bf16:t,1x4096x16384:bf16,1x4096x16384:bf16:packed";

    private sealed record Shape(int M, int K, int N, ElementType Type, bool Transposed, bool Packed);

    private sealed record Row(
        string Shape, string Type, bool Transposed, bool Packed, string Path, double Operations, double BestSeconds, double MedianSeconds, double GigaflopsPerSecond,
        double Efficiency, double GigabytesPerSecond, double? OpenBlasGigaflopsPerSecond, double? RatioOfBest, double? RatioOfMedian);

    private sealed record Report(string Processor, int Threads, string Path, string MatrixUnit, string? OpenBlasCore, double ProductGigaflopsPerSecond, double ReadGigabytesPerSecond, List<Row> Rows)
    {
        public long? PeakBytes { get; set; }
    }

    public static Command Create()
    {
        Option<bool> json = new("--json") { Description = "Print JSON instead of a table." };
        Option<int> threads = new("--threads") { Description = "Threads to use.", DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<double> seconds = new("--seconds") { Description = "Time to spend on each shape.", DefaultValueFactory = _ => 1.0 };
        Option<string> shapes = new("--shapes")
        {
            Description = "MxKxN, followed by :bf16 or :f16 for the type of B, :t for B stored as [N, K], :packed; separated by commas.",
            DefaultValueFactory = _ => DefaultShapes,
        };
        Command command = new("gemm", "Time matrix products.") { json, threads, seconds, shapes };
        command.SetAction(result => Run(
            result.GetRequiredValue(shapes).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Parse),
            result.GetValue(threads), result.GetValue(seconds), result.GetValue(json)));
        return command;
    }

    private static Shape Parse(string text)
    {
        string[] parts = text.Split(':');
        int[] sizes = [.. parts[0].Split('x').Select(size => int.Parse(size, CultureInfo.InvariantCulture))];
        if (sizes.Length != 3 || sizes.Any(size => size < 1)) throw new FormatException($"'{text}' is not a shape like 32x1024x3072:bf16:t.");
        ElementType type = parts.Contains("bf16") ? ElementType.BF16 : parts.Contains("f16") ? ElementType.F16 : ElementType.F32;
        return new Shape(sizes[0], sizes[1], sizes[2], type, parts.Contains("t"), parts.Contains("packed"));
    }

    private static void Run(IEnumerable<Shape> shapes, int threads, double seconds, bool json)
    {
        WorkerPool.Threads = threads;
        OpenBlas? blas = OpenBlas.TryLoad(threads);
        Report report = new(Processor(), threads, MatrixUnit.Status.Path, MatrixUnit.Status.Reason, blas?.Core, Machine.ProductRate() * 1e-9, ReadBandwidth(), []);
        if (!json)
        {
            Console.WriteLine(
                $"{report.Processor}, {threads} threads, {report.Path} ({report.MatrixUnit}), OpenBLAS {report.OpenBlasCore ?? "not found"}, plain read {report.ReadGigabytesPerSecond:F1} GB/s");
            Console.WriteLine($"{"shape",-16} {"B",-13} {"path",-10} {"best ms",9} {"median",9} {"GFLOP/s",8} {"effic.",6} {"GB/s",6} {"OpenBLAS",9} {"best",5} {"median",6}");
        }
        foreach (Shape shape in shapes)
        {
            Row row = Measure(shape, blas, seconds, report.ProductGigaflopsPerSecond);
            report.Rows.Add(row);
            if (json) continue;
            string stored = row.Type + (row.Transposed ? " t" : "") + (row.Packed ? " packed" : "");
            Console.WriteLine(
                $"{row.Shape,-16} {stored,-13} {row.Path,-10} {row.BestSeconds * 1e3,9:F3} {row.MedianSeconds * 1e3,9:F3} {row.GigaflopsPerSecond,8:F1} {row.Efficiency,6:F2} {row.GigabytesPerSecond,6:F1} " +
                $"{row.OpenBlasGigaflopsPerSecond,9:F1} {row.RatioOfBest,5:F2} {row.RatioOfMedian,6:F2}");
        }
        report.PeakBytes = Machine.PeakBytes;
        if (json) Console.WriteLine(JsonSerializer.Serialize(report, JsonSerializerOptions.Web));
    }

    private static Row Measure(Shape shape, OpenBlas? blas, double seconds, double productRate)
    {
        (int m, int k, int n, ElementType type, bool transposed, bool usePacked) = shape;
        Random random = new(1);
        Tensor a = Tensor.Uninitialized(m, k), b = Tensor.Uninitialized(k, n), c = Tensor.Uninitialized(m, n);
        foreach (ref float value in a.Span) value = random.NextSingle() - 0.5f;
        foreach (ref float value in b.Span) value = random.NextSingle() - 0.5f;
        Tensor stored = b;
        if (type != ElementType.F32)
        {
            stored = Tensor.Uninitialized((b.Length + 1) / 2);
            for (int i = 0; i < b.Length; i++)
                ((ushort*)stored.Pointer)[i] = type == ElementType.BF16 ? Elements.ToBFloat16(b.Span[i]) : BitConverter.HalfToUInt16Bits((Half)b.Span[i]);
        }
        MatrixView right = transposed ? new MatrixView(stored.Pointer, type, n, k, k, 1, stored).T : new MatrixView(stored.Pointer, type, k, n, n, 1, stored);
        PackedMatrix? packed = usePacked ? PackedMatrix.Pack(right) : null;
        PanelKernel kernel = packed is null ? MatrixProduct.KernelFor(a.AsMatrix(), right) : MatrixProduct.KernelFor(a.AsMatrix(), packed);
        void Ours()
        {
            if (packed is null) MatrixProduct.Multiply(a.AsMatrix(), right, c.AsMatrix());
            else MatrixProduct.Multiply(a.AsMatrix(), packed, c.AsMatrix());
        }
        void Theirs() => blas?.Multiply(a.Pointer, b.Pointer, transposed, c.Pointer, m, k, n);

        // Small products are timed in batches that take about a millisecond; the two take turns because the machine may be noisy.
        Ours();
        Theirs();
        long start = Stopwatch.GetTimestamp();
        Ours();
        int batch = Math.Clamp((int)(1e-3 / Stopwatch.GetElapsedTime(start).TotalSeconds), 1, 1000);
        List<double> ours = [], theirs = [];
        start = Stopwatch.GetTimestamp();
        while (ours.Count < 5 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
        {
            ours.Add(Time(Ours, batch));
            if (blas is not null) theirs.Add(Time(Theirs, batch));
        }
        ours.Sort();
        theirs.Sort();
        double best = ours[0], median = ours[ours.Count / 2];
        GC.KeepAlive(stored);
        return new Row(
            $"{m}x{k}x{n}", type.ToString(), transposed, usePacked, kernel is TileKernel ? kernel.ToString()! : "vectors", 2.0 * m * k * n, best, median, 2e-9 * m * k * n / best, 2e-9 * m * k * n / best / productRate, 1e-9 * k * n * type.Size() / best,
            blas is null ? null : 2e-9 * m * k * n / theirs[0], blas is null ? null : theirs[0] / best, blas is null ? null : theirs[theirs.Count / 2] / median);
    }

    private static double Time(Action action, int batch)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < batch; i++) action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / batch;
    }

    /// <summary>GB/s of summing 256 MB with all threads, the best of ten.</summary>
    private static double ReadBandwidth()
    {
        Tensor data = Tensor.Uninitialized(64 << 20);
        data.Span.Fill(1); // pages that were never written would all be one page of zeros
        int pieces = 8 * WorkerPool.Threads, length = data.Length / pieces;
        float[] sums = new float[pieces];
        double best = double.MaxValue;
        for (int i = 0; i < 10; i++)
            best = Math.Min(best, Time(() => WorkerPool.For(pieces, piece => sums[piece] = System.Numerics.Tensors.TensorPrimitives.Sum(data.Span.Slice(piece * length, length))), 1));
        return 1e-9 * data.Length * sizeof(float) / best;
    }

    private static string Processor()
    {
        const string Key = "model name";
        string? line = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal)) : null;
        return line is null ? System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':') + 1)..].Trim();
    }
}
