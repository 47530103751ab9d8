namespace Microtome.Numerics;

/// <summary>The vector instructions that the product kernels are written in. <typeparamref name="TVector"/> holds <see cref="Lanes"/> floats.</summary>
internal unsafe interface ISimd<TVector> where TVector : unmanaged
{
    static abstract int Lanes { get; }

    /// <summary>Rows of the largest tile (two vectors wide) whose sums stay in registers.</summary>
    static abstract int TileRows { get; }

    static abstract TVector Load(float* source);

    static abstract void Store(TVector value, float* destination);

    static abstract TVector Broadcast(float* source);

    static abstract TVector Add(TVector x, TVector y);

    /// <summary>x·y + sum, rounded once.</summary>
    static abstract TVector MultiplyAdd(TVector x, TVector y, TVector sum);

    /// <summary>The bfloat16 numbers in the low halves of the lanes.</summary>
    static abstract TVector LowHalves(float* pairs);

    /// <summary>The bfloat16 numbers in the high halves of the lanes.</summary>
    static abstract TVector HighHalves(float* pairs);

    /// <summary>The inverse of <see cref="LowHalves"/> and <see cref="HighHalves"/>.</summary>
    static abstract TVector JoinHalves(TVector low, TVector high);

    /// <summary>Reads 4 columns of <see cref="Lanes"/> rows and writes them as 4 vectors.</summary>
    static abstract void Transpose(float* source, nint rowStride, float* destination, nint destinationStride);
}
