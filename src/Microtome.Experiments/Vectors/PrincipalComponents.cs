using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Double;
using MathNet.Numerics.LinearAlgebra.Factorization;
using Microtome.Numerics;
using Matrix = Microtome.Numerics.Matrix;

namespace Microtome.Experiments;

/// <summary>The directions in which rows vary most, in double precision.</summary>
public sealed class PrincipalComponents
{
    private PrincipalComponents(double[] mean, double[][] directions, double[] explained)
    {
        Mean = mean;
        Directions = directions;
        Explained = explained;
    }

    /// <summary>What was subtracted from the rows [width]; zeros where they were not centred.</summary>
    public double[] Mean { get; }

    /// <summary>Unit vectors [components][width], by the variance that they explain. Their signs make the element of largest magnitude positive, as scikit-learn does.</summary>
    public double[][] Directions { get; }

    /// <summary>For each direction its share of the variance.</summary>
    public double[] Explained { get; }

    /// <param name="rows">[rows, width]</param>
    /// <param name="components">The most components; there are never more than rows or columns.</param>
    /// <param name="center">Subtract the rows' mean first.</param>
    /// <exception cref="ArgumentException">There are no rows, or all are equal, so that no direction is special.</exception>
    public static PrincipalComponents Of(Matrix rows, int components, bool center = true)
    {
        int count = rows.Rows, width = rows.Columns;
        if (count == 0 || width == 0) throw new ArgumentException("There is nothing to take principal components of.", nameof(rows));
        double[] mean = new double[width];
        if (center)
        {
            for (int row = 0; row < count; row++)
                for (int i = 0; i < width; i++) mean[i] += rows.Row(row)[i];
            for (int i = 0; i < width; i++) mean[i] /= count;
        }
        DenseMatrix x = DenseMatrix.Create(count, width, (row, i) => rows.Row(row)[i] - mean[i]);

        // The smaller of the two products has the same eigenvalues: of XXᵀ = UΛUᵀ, the directions are Xᵀu / |Xᵀu|.
        bool small = count <= width;
        Matrix<double> product = small ? x.TransposeAndMultiply(x) : x.TransposeThisAndMultiply(x);
        double total = product.Trace();
        if (!(total > 0)) throw new ArgumentException(double.IsNaN(total) ? "The rows hold values that are not numbers." : "All rows are equal; no direction is special.", nameof(rows));
        Evd<double> spectrum = product.Evd(Symmetricity.Symmetric); // ascending
        List<double[]> directions = [];
        List<double> explained = [];
        for (int i = product.RowCount - 1; i >= 0 && directions.Count < components; i--)
        {
            double value = spectrum.EigenValues[i].Real;
            if (value <= total * 1e-14) break;
            Vector<double> direction = spectrum.EigenVectors.Column(i);
            if (small) direction = x.LeftMultiply(direction);
            direction /= direction.L2Norm();
            if (direction[direction.AbsoluteMaximumIndex()] < 0) direction = -direction;
            directions.Add(direction.ToArray());
            explained.Add(value / total);
        }
        return new PrincipalComponents(mean, [.. directions], [.. explained]);
    }

    /// <summary>A row's coordinates along the directions.</summary>
    public double[] Project(ReadOnlySpan<float> row)
    {
        double[] coordinates = new double[Directions.Length];
        for (int c = 0; c < coordinates.Length; c++)
            for (int i = 0; i < row.Length; i++) coordinates[c] += (row[i] - Mean[i]) * Directions[c][i];
        return coordinates;
    }
}
