using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Models.SmallWorld;
using Microtome.Numerics;

namespace Microtome.Experiments.SmallWorld;

/// <summary>Asks a model about the small world: it continues each prompt greedily, and what it says must be an answer exactly.</summary>
public static class WorldExamination
{
    private const int BatchSize = 128;

    /// <param name="progress">Told the fraction done.</param>
    /// <returns>Whether each question was answered exactly.</returns>
    public static bool[] Ask(Transformer model, PromptEncoder prompts, IReadOnlyList<Question> questions, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        bool[] right = new bool[questions.Count];
        for (int start = 0; start < questions.Count; start += BatchSize)
        {
            progress?.Report((double)start / questions.Count);
            List<Attempt> open = [.. Enumerable.Range(start, Math.Min(BatchSize, questions.Count - start)).Select(index => new Attempt(index, questions[index], prompts))];
            while (open.Count > 0)
            {
                Tensor logits = model.Forward([.. open.Select(attempt => attempt.Tokens)], logits: LogitRows.Last, cancellation: cancellation);
                for (int row = 0; row < open.Count; row++) open[row].Say(TensorPrimitives.IndexOfMax<float>(logits.Row(row)));
                foreach (Attempt attempt in open) right[attempt.Index] = attempt.IsRight;
                open.RemoveAll(attempt => attempt.IsDone);
            }
        }
        return right;
    }

    /// <summary>As <see cref="Ask"/>, counted by task, template and exposure.</summary>
    public static IReadOnlyList<WorldScore> Score(Transformer model, PromptEncoder prompts, IReadOnlyList<Question> questions, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        bool[] right = Ask(model, prompts, questions, progress, cancellation);
        return
        [
            .. questions.Zip(right).GroupBy(asked => (asked.First.Task, asked.First.Template, asked.First.Exposure))
                .Select(group => new WorldScore(group.Key.Task, group.Key.Template, group.Key.Exposure, group.Count(asked => asked.Second), group.Count())),
        ];
    }

    /// <summary>A question while it is answered, a token at a time. It is done when an answer is complete or none can follow any more.</summary>
    private sealed class Attempt
    {
        private readonly int _promptLength;
        private List<int[]> _possible;

        public Attempt(int index, Question question, PromptEncoder prompts)
        {
            Index = index;
            Tokens = prompts.EncodeForTracing(question.Prompt);
            _promptLength = Tokens.Length;
            _possible = [.. question.Answers.Select(answer => prompts.EncodeForTracing(question.Prompt + answer)).Select(whole => whole.AsSpan().StartsWith(Tokens) ? whole[_promptLength..]
                : throw new ArgumentException($"The tokenizer does not cut \"{question.Prompt}\" where its answer begins."))];
        }

        public int Index { get; }

        public int[] Tokens { get; private set; }

        public bool IsRight { get; private set; }

        public bool IsDone => IsRight || _possible.Count == 0;

        public void Say(int token)
        {
            int said = Tokens.Length - _promptLength;
            Tokens = [.. Tokens, token];
            _possible = [.. _possible.Where(answer => answer[said] == token)];
            IsRight = _possible.Any(answer => answer.Length == said + 1);
        }
    }
}
