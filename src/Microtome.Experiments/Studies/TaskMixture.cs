using System.Globalization;
using Microtome.Models.SmallWorld;

namespace Microtome.Experiments;

/// <summary>How often each task occurs in training.</summary>
/// <param name="Name">What it is called in results.</param>
public sealed record TaskMixture(string Name, IReadOnlyDictionary<ListOperation, double> Shares)
{
    /// <summary>All tasks equally often.</summary>
    public static TaskMixture Even { get; } = new("even", ListTasks.Operations.ToDictionary(operation => operation, _ => 1.0 / ListTasks.Operations.Count));

    /// <summary>One task half of the time, the others equally often.</summary>
    public static TaskMixture Mostly(ListOperation operation) => new($"mostly-{ListTasks.Name(operation)}",
        ListTasks.Operations.ToDictionary(other => other, other => other == operation ? 0.5 : 0.5 / (ListTasks.Operations.Count - 1)));

    /// <summary>Reads <c>even</c>, <c>mostly-sort</c>, or shares such as <c>reverse=3,sort=1</c>, which are brought to a sum of 1.</summary>
    /// <exception cref="ArgumentException">The text is none of these; the message says what is wrong.</exception>
    public static TaskMixture Parse(string text)
    {
        const string Mostly = "mostly-";
        if (text == Even.Name) return Even;
        if (text.StartsWith(Mostly, StringComparison.Ordinal)) return TaskMixture.Mostly(ListTasks.Parse(text[Mostly.Length..]));
        Dictionary<ListOperation, double> shares = ListTasks.Operations.ToDictionary(operation => operation, _ => 0.0);
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] sides = part.Split('=');
            if (sides.Length != 2 || !double.TryParse(sides[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double share) || !(share >= 0) || !double.IsFinite(share))
                throw new ArgumentException($"'{part}' is not a task and its share, such as sort=2. A mixture is even, mostly-TASK, or shares separated by commas.");
            shares[ListTasks.Parse(sides[0].Trim())] = share;
        }
        double sum = shares.Values.Sum();
        if (!(sum > 0)) throw new ArgumentException($"The mixture '{text}' has no task with a share above 0.");
        return new TaskMixture(text, shares.ToDictionary(share => share.Key, share => share.Value / sum));
    }

    internal ListOperation Draw(Random random)
    {
        double place = random.NextDouble();
        ListOperation last = default;
        foreach (ListOperation operation in ListTasks.Operations)
        {
            if (Shares[operation] == 0) continue;
            last = operation;
            place -= Shares[operation];
            if (place < 0) break;
        }
        return last;
    }
}
