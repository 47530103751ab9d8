using System.CommandLine;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>The kernels one by one, with BenchmarkDotNet's statistics: products of the shapes that attribution has, and vector operations.</summary>
[MemoryDiagnoser]
public class KernelBenchmarks
{
    private readonly Tensor _tall = Random(2048, 1024), _wide = Random(1024, 2048), _result = new(2048, 2048), _few = Random(32, 1024), _fewResult = new(32, 2048);
    private readonly Tensor _vector = Random(1, 4096), _other = Random(1, 4096);
    private readonly PackedMatrix _packed;

    public KernelBenchmarks() => _packed = PackedMatrix.Pack(_wide.AsMatrix());

    internal static Command Create()
    {
        Command command = new("kernels", "Time the kernels one by one with BenchmarkDotNet.");
        command.SetAction(_ =>
        {
            // In this process: the kernels are chosen by what the processor has, not by how a program is built.
            BenchmarkRunner.Run<KernelBenchmarks>(DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)));
        });
        return command;
    }

    [Benchmark]
    public void TallProduct() => MatrixProduct.Multiply(_tall.AsMatrix(), _wide.AsMatrix(), _result.AsMatrix());

    [Benchmark]
    public void TallProductPacked() => MatrixProduct.Multiply(_tall.AsMatrix(), _packed, _result.AsMatrix());

    [Benchmark]
    public void FewRows() => MatrixProduct.Multiply(_few.AsMatrix(), _wide.AsMatrix(), _fewResult.AsMatrix());

    [Benchmark]
    public float Dot() => VectorOperations.Dot(_vector.Span, _other.Span);

    [Benchmark]
    public void Softmax() => VectorOperations.Softmax(_vector.Span);

    [Benchmark]
    public void Gelu() => VectorOperations.Gelu(_vector.Span, _other.Span);

    [Benchmark]
    public void Silu() => VectorOperations.Silu(_vector.Span, _other.Span);

    private static Tensor Random(int rows, int columns)
    {
        Random random = new(1);
        Tensor tensor = Tensor.Uninitialized(rows, columns);
        foreach (ref float value in tensor.Span) value = 2 * random.NextSingle() - 1;
        return tensor;
    }
}
