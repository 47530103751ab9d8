using Microtome.Models.SmallWorld;
using Microtome.Models.Training;

namespace Microtome.Experiments;

/// <summary>
/// Lists of letters and what is done to them, as tokens: begin, the task, the letters, "=", the answer, end. Only the answer counts in training.
/// One list in eight is never trained on.
/// </summary>
internal static class ListTasks
{
    public const int Begin = 0, Equal = 1, Shortest = 3, Longest = 6;
    private const int FirstTask = 2, Letters = 26;

    public static IReadOnlyList<ListOperation> Operations => ListExample.Operations;

    public static int Vocabulary => FirstTask + Operations.Count + Letters;

    /// <summary>The most tokens that a document is read with.</summary>
    public static int Context => 3 + 2 * Longest;

    /// <summary>What a task is called.</summary>
    public static string Name(ListOperation operation) => operation switch
    {
        ListOperation.Reverse => "reverse",
        ListOperation.EverySecond => "every-second",
        ListOperation.FirstThree => "first-three",
        ListOperation.Sort => "sort",
        ListOperation.Last => "last",
        _ => operation.ToString(),
    };

    /// <summary>The task with this name.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists those there are.</exception>
    public static ListOperation Parse(string name)
    {
        foreach (ListOperation operation in Operations)
            if (Name(operation) == name) return operation;
        throw new ArgumentException($"There is no task '{name}'; there are {string.Join(", ", Operations.Select(Name))}.");
    }

    /// <summary>Endless documents of lists that may be trained on, tasks drawn by their frequencies.</summary>
    public static IEnumerable<TrainingDocument> Training(TaskMixture mixture, int seed)
    {
        Random random = new(seed);
        while (true)
        {
            ListOperation operation = mixture.Draw(random);
            ListExample example = ListExample.Draw(random, operation, Shortest, Longest);
            if (!IsHeldOut(example.Letters)) yield return Document(example);
        }
    }

    /// <summary>Lists of a length that are never trained on; the same for the same seed.</summary>
    public static IReadOnlyList<ListExample> HeldOut(ListOperation operation, int length, int count, int seed)
    {
        Random random = new(HashCode(operation.ToString()) ^ (length * 7919) ^ seed);
        List<ListExample> examples = [];
        while (examples.Count < count)
        {
            ListExample example = ListExample.Draw(random, operation, length, length);
            if (IsHeldOut(example.Letters)) examples.Add(example);
        }
        return examples;
    }

    public static TrainingDocument Document(ListExample example)
    {
        int[] tokens = [Begin, FirstTask + Operations.ToList().IndexOf(example.Operation), .. example.Letters.Select(Letter), Equal, .. example.Result.Select(Letter), Begin];
        float[] weights = new float[tokens.Length];
        weights.AsSpan(AnswerStart(example)).Fill(1);
        return new TrainingDocument(tokens, weights);
    }

    /// <summary>The index of the answer's first token in a document.</summary>
    public static int AnswerStart(ListExample example) => example.Letters.Length + 3;

    private static int Letter(char letter) => FirstTask + Operations.Count + (letter - 'a');

    private static bool IsHeldOut(string letters) => (uint)HashCode(letters) % 8 == 0;

    /// <summary>The same on every run and computer (Fowler, Noll and Vo, FNV-1a).</summary>
    private static int HashCode(string text)
    {
        uint hash = 2166136261;
        foreach (char character in text) hash = (hash ^ character) * 16777619;
        return (int)(hash ^ (hash >> 15));
    }
}
