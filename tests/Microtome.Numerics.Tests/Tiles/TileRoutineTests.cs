using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Tiles;

/// <summary>The emitted machine code, executed instruction by instruction.</summary>
public sealed unsafe class TileRoutineTests
{
    public static TheoryData<int, int, int> Routines
    {
        get
        {
            TheoryData<int, int, int> data = [];
            for (int left = 1; left <= TileTerms.Most; left++)
                for (int right = 1; right <= TileTerms.Most; right++)
                    for (int height = 1; height <= 2; height++) data.Add(left, right, height);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Routines))]
    public void Machine_code_gives_the_bits_of_its_specification(int leftTerms, int rightTerms, int height)
    {
        Random random = new(1);
        foreach ((int steps, int panels, int padding) in new[] { (1, 1, 0), (2, 3, 5), (3, 2, 64) })
        {
            int stride = TileUnit.PanelColumns + padding, rows = panels * height * TileUnit.Side;
            Tensor left = RandomBits(random, panels * steps * leftTerms * height * TileUnit.TileLength);
            Tensor right = RandomBits(random, steps * rightTerms * 2 * TileUnit.TileLength);
            Tensor expected = Tensor.Uninitialized(rows, stride), actual = Tensor.Uninitialized(rows, stride);
            expected.Span.Fill(7);
            actual.Span.Fill(7);
            TileArguments arguments = new(expected.Pointer, stride, left.Pointer, right.Pointer, steps, panels);
            new PlainTileUnit().Multiply(leftTerms, rightTerms, height, &arguments);
            arguments = new(actual.Pointer, stride, left.Pointer, right.Pointer, steps, panels);
            new InterpretedTileUnit().Multiply(leftTerms, rightTerms, height, &arguments);
            Bits(actual).SequenceEqual(Bits(expected)).ShouldBeTrue($"{steps} steps, {panels} panels");
        }
    }

    [Theory]
    [MemberData(nameof(Routines))]
    public void A_routine_configures_once_and_loads_no_term_twice_in_a_row(int leftTerms, int rightTerms, int height)
    {
        const int Steps = 3, Panels = 2;
        Tensor left = new(Panels * Steps * leftTerms * height * TileUnit.TileLength / 2), right = new(Steps * rightTerms * TileUnit.TileLength);
        Tensor result = new(Panels * height * TileUnit.Side, TileUnit.PanelColumns);
        TileArguments arguments = new(result.Pointer, TileUnit.PanelColumns, left.Pointer, right.Pointer, Steps, Panels);
        TileMachine machine = new();
        machine.Allow(&arguments, sizeof(TileArguments), writable: false);
        machine.Allow(left.Pointer, left.Length * sizeof(float), writable: false);
        machine.Allow(right.Pointer, right.Length * sizeof(float), writable: false);
        machine.Allow(result.Pointer, result.Length * sizeof(float), writable: true);
        machine.Call(TileRoutine.Emit(leftTerms, rightTerms, height), &arguments);

        (int Left, int Right)[] pairs = TileTerms.Pairs(leftTerms, rightTerms).ToArray();
        int loads = height + 2;
        for (int i = 1; i < pairs.Length; i++) loads += (pairs[i].Left != pairs[i - 1].Left ? height : 0) + (pairs[i].Right != pairs[i - 1].Right ? 2 : 0);
        machine.Counts["ldtilecfg"].ShouldBe(1);
        machine.Counts["tilerelease"].ShouldBe(1);
        machine.Counts["tileloadd"].ShouldBe(Panels * Steps * loads);
        machine.Counts["tdpbf16ps"].ShouldBe(Panels * Steps * pairs.Length * 2 * height);
        machine.Counts["tilestored"].ShouldBe(Panels * 2 * height);
    }

    [Fact]
    public void Products_through_machine_code_have_the_bits_of_plain_arithmetic()
    {
        Random random = new(2);
        TileKernels interpreted = new(new InterpretedTileUnit()), plain = new(new PlainTileUnit());
        foreach ((int m, int k, int n) in new[] { (1, 1, 1), (16, 32, 32), (17, 33, 31), (33, 300, 40), (70, 65, 70), (150, 40, 33) })
        {
            Products.Operand a = new(random, ElementType.F32, m, k, transposed: false, 1), b = new(random, ElementType.BF16, k, n, transposed: true, 2);
            Tensor expected = new(m, n), actual = new(m, n);
            MatrixProduct.Multiply(a.View, b.View, expected.AsMatrix(), accumulate: true, plain.Get(3, 1));
            MatrixProduct.Multiply(a.View, b.View, actual.AsMatrix(), accumulate: true, interpreted.Get(3, 1));
            Bits(actual).SequenceEqual(Bits(expected)).ShouldBeTrue($"[{m}, {k}]·[{k}, {n}]");
            GC.KeepAlive(a);
            GC.KeepAlive(b);
        }
    }

    [Fact]
    public void The_unit_passes_its_check_when_the_machine_code_is_right() => MatrixUnitProbe.Check(new InterpretedTileUnit()).ShouldBeTrue();

    [Fact]
    public void The_unit_fails_its_check_when_one_routine_is_wrong() => MatrixUnitProbe.Check(new FaultyUnit()).ShouldBeFalse();

    private sealed class FaultyUnit : TileUnit
    {
        private readonly PlainTileUnit _plain = new();

        public override void Multiply(int leftTerms, int rightTerms, int height, TileArguments* arguments)
        {
            _plain.Multiply(leftTerms, rightTerms, height, arguments);
            if ((leftTerms, rightTerms, height) == (3, 3, 1)) arguments->Result[17] *= 1.001f;
        }
    }

    /// <summary>bfloat16 of any magnitude, among them zeros, subnormal numbers, infinities and NaN.</summary>
    private static Tensor RandomBits(Random random, int count)
    {
        Tensor tensor = Tensor.Uninitialized(count / 2);
        ushort* numbers = (ushort*)tensor.Pointer;
        for (int i = 0; i < count; i++)
            numbers[i] = random.Next(4000) switch
            {
                0 => 0x7F80,
                1 => 0xFFC0,
                < 400 => (ushort)random.Next(0x100),
                < 800 => (ushort)(random.Next(0x2000) | 0x8000),
                _ => Elements.ToBFloat16(2 * random.NextSingle() - 1),
            };
        return tensor;
    }

    /// <summary>All NaN are one: which of two the processor hands on is not part of the specification.</summary>
    private static uint[] Bits(Tensor tensor) => [.. tensor.Span.ToArray().Select(value => float.IsNaN(value) ? 0x7FC0_0000 : BitConverter.SingleToUInt32Bits(value))];
}
