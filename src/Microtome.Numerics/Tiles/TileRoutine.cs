namespace Microtome.Numerics;

/// <summary>The machine code of <see cref="TileUnit.Multiply"/> for the matrix unit: a leaf function of Linux on x64 that takes the address of a <see cref="TileArguments"/>.</summary>
internal static class TileRoutine
{
    private const int TileBytes = TileUnit.TileLength * sizeof(ushort);
    private const int FirstLeft = 4, FirstRight = 6; // tiles; those before hold the sums

    /// <remarks>It uses registers that belong to the caller only, no stack, and leaves the tiles released.</remarks>
    public static byte[] Emit(int leftTerms, int rightTerms, int height)
    {
        const Register Arguments = Register.Rdi, Left = Register.Rsi, Right = Register.Rdx, Steps = Register.Rcx, Result = Register.R8, Stride = Register.R9;
        const Register Panels = Register.R10, LeftStride = Register.Rax, RightStride = Register.R11, Advance = Steps;

        TileAssembler code = new();
        code.Load(Result, Arguments, TileArguments.ResultOffset);
        code.Load(Stride, Arguments, TileArguments.StrideOffset);
        code.Load(Left, Arguments, TileArguments.LeftOffset);
        code.Load(Panels, Arguments, TileArguments.PanelsOffset);
        code.Move(LeftStride, TileUnit.Depth * sizeof(ushort));
        code.Move(RightStride, TileUnit.PanelColumns * 2 * sizeof(ushort));
        code.LoadConfiguration(Arguments);

        int nextPanel = code.Here;
        code.Load(Right, Arguments, TileArguments.RightOffset);
        code.Load(Steps, Arguments, TileArguments.StepsOffset);
        for (int tile = 0; tile < 2 * height; tile++) code.ZeroTile(tile);

        int nextStep = code.Here;
        (int Left, int Right) loaded = (-1, -1);
        foreach ((int leftTerm, int rightTerm) in TileTerms.Pairs(leftTerms, rightTerms))
        {
            for (int row = 0; row < height; row++)
                for (int column = 0; column < 2; column++)
                {
                    // Each tile is loaded just before its first use, so that loads and products overlap.
                    if (column == 0 && leftTerm != loaded.Left)
                        code.LoadTile(FirstLeft + row, Left, LeftStride, (leftTerm * height + row) * TileBytes);
                    if (row == 0 && rightTerm != loaded.Right)
                        code.LoadTile(FirstRight + column, Right, RightStride, rightTerm * 2 * TileBytes + column * TileUnit.Depth * sizeof(ushort));
                    code.MultiplyBFloat16(2 * row + column, FirstLeft + row, FirstRight + column);
                }
            loaded = (leftTerm, rightTerm);
        }
        code.Add(Left, leftTerms * height * TileBytes);
        code.Add(Right, rightTerms * 2 * TileBytes);
        code.Decrement(Steps);
        code.JumpIfNotZero(nextStep);

        code.Load(Advance, Arguments, TileArguments.AdvanceOffset);
        for (int row = 0; row < height; row++)
        {
            code.StoreTile(2 * row, Result, Stride, 0);
            code.StoreTile(2 * row + 1, Result, Stride, TileUnit.Side * sizeof(float));
            code.Add(Result, Advance);
        }
        code.Decrement(Panels);
        code.JumpIfNotZero(nextPanel);
        code.ReleaseTiles();
        code.Return();
        return code.ToArray();
    }
}
