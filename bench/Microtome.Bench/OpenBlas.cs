using System.Runtime.InteropServices;

namespace Microtome.Bench;

/// <summary>OpenBLAS where it is installed, to compare with. Set OPENBLAS_CORETYPE to choose its kernels.</summary>
internal sealed unsafe class OpenBlas
{
    private const int RowMajor = 101, NoTranspose = 111, Transpose = 112;
    private static readonly string[] Names = ["libopenblas.so.0", "libopenblas.so", "libopenblas.dylib", "libopenblas.dll", "openblas"];

    private readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> _sgemm;
    private readonly delegate* unmanaged<int, int, int, int, float, float*, int, float*, int, float, float*, int, void> _sgemv;

    private OpenBlas(nint library, int threads)
    {
        _sgemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)
            NativeLibrary.GetExport(library, "cblas_sgemm");
        _sgemv = (delegate* unmanaged<int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)
            NativeLibrary.GetExport(library, "cblas_sgemv");
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, "openblas_set_num_threads"))(threads);
        Core = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "openblas_get_corename"))()) ?? "unknown";
    }

    /// <summary>The processor whose kernels it chose.</summary>
    public string Core { get; }

    public static OpenBlas? TryLoad(int threads)
    {
        foreach (string name in Names)
            if (NativeLibrary.TryLoad(name, out nint library)) return new OpenBlas(library, threads);
        return null;
    }

    /// <summary>C [m, n] = A [m, k] · B, where B is [k, n], or [n, k] when transposed.</summary>
    public void Multiply(float* a, float* b, bool transposed, float* c, int m, int k, int n)
    {
        if (m == 1) _sgemv(RowMajor, transposed ? NoTranspose : Transpose, transposed ? n : k, transposed ? k : n, 1, b, transposed ? k : n, a, 1, 0, c, 1);
        else _sgemm(RowMajor, NoTranspose, transposed ? Transpose : NoTranspose, m, n, k, 1, a, k, b, transposed ? k : n, 0, c, n);
    }
}
