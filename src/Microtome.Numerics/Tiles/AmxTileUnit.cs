namespace Microtome.Numerics;

/// <summary>The matrix unit of Intel's processors (AMX, with bfloat16).</summary>
internal sealed unsafe class AmxTileUnit : TileUnit
{
    private const int Alignment = 64;
    private readonly byte*[] _routines;

    private AmxTileUnit(byte*[] routines) => _routines = routines;

    /// <summary>Null where the system gives no executable memory. The kernel must have granted the use of tiles.</summary>
    public static AmxTileUnit? TryCreate()
    {
        int[] starts = new int[TileTerms.Most * TileTerms.Most * 2];
        List<byte> code = [];
        for (int left = 1; left <= TileTerms.Most; left++)
            for (int right = 1; right <= TileTerms.Most; right++)
                for (int height = 1; height <= 2; height++)
                {
                    starts[Index(left, right, height)] = code.Count;
                    code.AddRange(TileRoutine.Emit(left, right, height));
                    while (code.Count % Alignment != 0) code.Add(0xCC); // a breakpoint: never reached
                }
        byte* memory = ExecutableCode.TryMap([.. code]);
        if (memory is null) return null;
        byte*[] routines = new byte*[starts.Length];
        for (int i = 0; i < starts.Length; i++) routines[i] = memory + starts[i];
        return new AmxTileUnit(routines);
    }

    public override void Multiply(int leftTerms, int rightTerms, int height, TileArguments* arguments)
    {
        SignalStack.Enlarge();
        ((delegate* unmanaged<TileArguments*, void>)_routines[Index(leftTerms, rightTerms, height)])(arguments);
    }

    private static int Index(int leftTerms, int rightTerms, int height) => ((leftTerms - 1) * TileTerms.Most + rightTerms - 1) * 2 + height - 1;
}
