namespace Microtome.Numerics;

/// <summary>The vector instructions that the product kernels are written in. <typeparamref name="TVector"/> holds <see cref="Lanes"/> floats.</summary>
internal unsafe interface ISimd<TVector> where TVector : unmanaged
{
    static abstract string Name { get; }

    static abstract int Lanes { get; }

    /// <summary>Rows of the largest tile (two vectors wide) whose sums stay in registers.</summary>
    static abstract int TileRows { get; }

    static abstract TVector Load(float* source);

    static abstract void Store(TVector value, float* destination);

    static abstract TVector Broadcast(float* source);

    /// <summary>Brings a cache line into the first level, where the processor can be told to.</summary>
    static abstract void Prefetch(float* address);

    /// <summary>Brings a cache line into the second level, where the processor can be told to.</summary>
    static abstract void PrefetchFar(float* address);

    static abstract TVector Add(TVector x, TVector y);

    /// <summary>x·y + sum, rounded once.</summary>
    static abstract TVector MultiplyAdd(TVector x, TVector y, TVector sum);

    /// <summary>The bfloat16 numbers in the low halves of the lanes.</summary>
    static abstract TVector LowHalves(float* pairs);

    /// <summary>The bfloat16 numbers in the high halves of the lanes.</summary>
    static abstract TVector HighHalves(float* pairs);

    /// <summary>Consecutive bfloat16 numbers.</summary>
    static abstract TVector Widen(ushort* source);

    /// <summary>The inverse of <see cref="LowHalves"/> and <see cref="HighHalves"/>.</summary>
    static abstract TVector JoinHalves(TVector low, TVector high);

    /// <summary>Reads <see cref="Lanes"/> columns of 4 rows and writes the transpose.</summary>
    static abstract void Transpose(float* source, nint rowStride, float* destination, nint destinationStride);

    /// <summary>Reads <see cref="Lanes"/> columns of as many rows and writes the transpose.</summary>
    static abstract void TransposeSquare(float* source, nint rowStride, float* destination, nint destinationStride);
}
