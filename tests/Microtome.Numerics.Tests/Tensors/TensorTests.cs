using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Tensors;

public sealed unsafe class TensorTests
{
    [Fact]
    public void A_new_tensor_is_zero_and_aligned()
    {
        Tensor tensor = new(3, 5, 7);
        tensor.Length.ShouldBe(105);
        tensor.Span.ToArray().ShouldAllBe(value => value == 0);
        ((nint)tensor.Pointer % 64).ShouldBe(0);
    }

    [Fact]
    public void Leading_dimensions_are_rows()
    {
        Tensor tensor = Counted(2, 3, 4);
        (tensor.Rows, tensor.Columns).ShouldBe((6, 4));
        tensor.Row(4).ToArray().ShouldBe([16, 17, 18, 19]);
        tensor.Slice(1).Row(2).ToArray().ShouldBe([20, 21, 22, 23]);
    }

    [Fact]
    public void A_tensor_without_columns_has_no_rows() => new Tensor(3, 0).Rows.ShouldBe(0);

    [Fact]
    public void A_scalar_is_one_row_of_one_column()
    {
        Tensor tensor = Tensor.From([5]);
        (tensor.Rank, tensor.Rows, tensor.Columns).ShouldBe((0, 1, 1));
    }

    [Fact]
    public void Indexes_outside_are_refused()
    {
        Tensor tensor = new(2, 3, 4);
        Should.Throw<ArgumentOutOfRangeException>(() => tensor.Row(6));
        Should.Throw<ArgumentOutOfRangeException>(() => tensor.Slice(2));
        Should.Throw<ArgumentOutOfRangeException>(() => new Tensor(3, -1));
        Should.Throw<ArgumentOutOfRangeException>(() => new Tensor(1 << 16, 1 << 16));
    }

    [Fact]
    public void Elements_that_do_not_fill_the_shape_are_refused() =>
        Should.Throw<ArgumentException>(() => Tensor.From([1, 2, 3], 2, 2));

    [Fact]
    public void A_clone_is_independent()
    {
        Tensor tensor = Counted(2, 2), clone = tensor.Clone();
        clone.Span[0] = 9;
        tensor.Span[0].ShouldBe(0);
        clone.Shape.ToArray().ShouldBe([2, 2]);
    }

    [Fact]
    public void Ranges_of_a_matrix_share_its_elements()
    {
        Tensor tensor = Counted(4, 5);
        Matrix part = tensor.AsMatrix().RowRange(1, 2).ColumnRange(2, 3);
        part.Row(1).ToArray().ShouldBe([12, 13, 14]);
        part.Clear();
        tensor.Span.ToArray().ShouldBe([0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 10, 11, 0, 0, 0, 15, 16, 17, 18, 19]);
    }

    [Fact]
    public void Views_are_transposed_and_cut_without_copies()
    {
        Tensor tensor = Counted(4, 5);
        MatrixView view = tensor.AsMatrix().T;
        (view.Rows, view.Columns).ShouldBe((5, 4));
        view[2, 3].ShouldBe(17);
        MatrixView part = view.RowRange(1, 3).ColumnRange(2, 2);
        float[] row = new float[2];
        part.CopyRow(1, row);
        row.ShouldBe([12, 17]);
        GC.KeepAlive(tensor);
    }

    [Fact]
    public void Integers_are_no_operands() =>
        Should.Throw<ArgumentException>(() => new MatrixView(null, ElementType.I32, 1, 1, 1, 1, null)).Message.ShouldContain("I32");

    internal static Tensor Counted(params ReadOnlySpan<int> shape)
    {
        Tensor tensor = new(shape);
        for (int i = 0; i < tensor.Length; i++) tensor.Span[i] = i;
        return tensor;
    }
}
