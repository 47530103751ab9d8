using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

public sealed class FeatureActivationTests
{
    [Theory]
    [InlineData(1, new float[] { 3, 1, 2 }, new float[] { 3, 0, 0 })]
    [InlineData(2, new float[] { 1, 2, 2, 2 }, new float[] { 0, 2, 2, 0 })]
    [InlineData(3, new float[] { 2, 1, 1, 3, 1 }, new float[] { 2, 1, 0, 3, 0 })]
    [InlineData(2, new float[] { -1, -2, -3 }, new float[] { -1, -2, 0 })]
    [InlineData(2, new float[] { -1, 5, -3 }, new float[] { -1, 5, 0 })]
    [InlineData(3, new float[] { 1, -1, 2 }, new float[] { 1, -1, 2 })]
    [InlineData(9, new float[] { 1, -1, 2 }, new float[] { 1, -1, 2 })]
    public void TopK_keeps_the_largest_whatever_their_sign_and_of_ties_the_lower_features(int k, float[] values, float[] expected)
    {
        new TopK(k).Apply(values, 0);
        values.ShouldBe(expected);
    }

    [Fact]
    public void JumpReLU_keeps_only_what_exceeds_its_threshold()
    {
        float[] values = [0.5f, 0.5f, 0.5f, -1, -1, 0];
        new JumpRelu(Tensor.From([0.5f, MathF.BitDecrement(0.5f), 0.6f, -2, -1, 0], 6)).Apply(values, 0);
        values.ShouldBe([0, 0.5f, 0, -1, 0, 0]);
    }

    [Fact]
    public void JumpReLU_uses_the_thresholds_of_the_features_it_is_given()
    {
        float[] values = [1, 1];
        new JumpRelu(Tensor.From([9, 9, 0.5f, 2], 4)).Apply(values, 2);
        values.ShouldBe([1, 0]);
    }

    [Fact]
    public void ReLU_keeps_what_is_positive()
    {
        float[] values = [1, -1, 0, float.Epsilon];
        new Relu().Apply(values, 0);
        values.ShouldBe([1, 0, 0, float.Epsilon]);
    }
}
