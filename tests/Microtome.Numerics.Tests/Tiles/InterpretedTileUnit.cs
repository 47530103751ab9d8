using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Tiles;

/// <summary>Runs the emitted routines on the <see cref="TileMachine"/>, which may touch what the arguments name and nothing else.</summary>
internal sealed unsafe class InterpretedTileUnit : TileUnit
{
    public override void Multiply(int leftTerms, int rightTerms, int height, TileArguments* arguments)
    {
        nint rows = arguments->Panels * height * Side;
        TileMachine machine = new();
        machine.Allow(arguments, sizeof(TileArguments), writable: false);
        machine.Allow(arguments->Left, arguments->Panels * arguments->Steps * leftTerms * height * TileLength * sizeof(ushort), writable: false);
        machine.Allow(arguments->Right, arguments->Steps * rightTerms * 2 * TileLength * sizeof(ushort), writable: false);
        for (nint row = 0; row < rows; row++)
            machine.Allow((byte*)arguments->Result + row * arguments->Stride, PanelColumns * sizeof(float), writable: true);
        machine.Call(TileRoutine.Emit(leftTerms, rightTerms, height), arguments);
    }
}
