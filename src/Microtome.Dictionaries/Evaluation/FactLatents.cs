using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>A fact that may have a latent of its own, and prompts that are about it.</summary>
/// <param name="Group">Facts of one group are told apart from each other.</param>
/// <param name="Frequency">How often texts state it, as a share of sentences.</param>
/// <param name="Prompts">In two or more wordings; the first half is searched, the rest tested.</param>
public sealed record KnownFact(string Group, string Name, double Frequency, IReadOnlyList<int[]> Prompts);

/// <summary>The latent that tells a fact's prompts from those of other facts best.</summary>
/// <param name="Layer">-1 where no latent is active on any of its prompts.</param>
/// <param name="F1">On the wordings that were not searched, with the threshold that was best on those that were.</param>
/// <param name="Area">On the same: the chance that a prompt of the fact activates it more than another's (AUC).</param>
public readonly record struct FactLatent(KnownFact Fact, int Layer, int Latent, double F1, double Area);

/// <summary>
/// Whether a dictionary has a latent for each of a list of facts (Gao et al. 2024, arXiv 2406.04093, section 4.2, searches latents for known binary features likewise). A
/// prompt's activation of a latent is that at its last token, where the answer has to be known.
/// </summary>
public static class FactLatents
{
    private const int PromptsTogether = 32;

    /// <param name="shuffled">A control: prompts are dealt out to facts of the same group by chance, with this seed.</param>
    public static IReadOnlyList<FactLatent> Find(Transformer transformer, JudgedDictionary dictionary, IReadOnlyList<KnownFact> facts, int? shuffled = null, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        (int Group, int Fact, bool Test)[] prompts = [.. Deal(facts, shuffled)];
        int[][] tokens = [.. facts.SelectMany(fact => fact.Prompts)];
        // By reader and latent: the prompts that activate it, ascending, and how much.
        Dictionary<(int Reader, int Latent), List<(int Prompt, float Value)>> activations = [];
        for (int start = 0; start < tokens.Length; start += PromptsTogether)
        {
            cancellation.ThrowIfCancellationRequested();
            Activate(transformer, dictionary, tokens, start, Math.Min(tokens.Length, start + PromptsTogether), activations);
            progress?.Report((double)Math.Min(tokens.Length, start + PromptsTogether) / tokens.Length);
        }
        List<int>[] byFact = new List<int>[facts.Count];
        for (int fact = 0; fact < byFact.Length; fact++) byFact[fact] = [];
        for (int prompt = 0; prompt < prompts.Length; prompt++) byFact[prompts[prompt].Fact].Add(prompt);
        Dictionary<int, int[]> groups = Enumerable.Range(0, prompts.Length).GroupBy(prompt => prompts[prompt].Group).ToDictionary(group => group.Key, group => group.ToArray());

        // Only latents that are active on one of a fact's searched prompts can be its own.
        Dictionary<int, List<(int Reader, int Latent)>> candidates = [];
        foreach (((int Reader, int Latent) key, List<(int Prompt, float Value)> active) in activations.OrderBy(pair => pair.Key))
            foreach ((int prompt, _) in active)
            {
                if (!candidates.TryGetValue(prompt, out List<(int, int)>? list)) candidates.Add(prompt, list = []);
                list.Add(key);
            }
        FactLatent[] found = new FactLatent[facts.Count];
        WorkerPool.For(facts.Count, fact =>
        {
            float[] values = new float[prompts.Length];
            int[] group = groups[byFact[fact].Count > 0 ? prompts[byFact[fact][0]].Group : -1];
            (double F1, float Threshold, (int Reader, int Latent) Key) best = (0, 0, (-1, -1));
            foreach ((int Reader, int Latent) key in byFact[fact].Where(prompt => !prompts[prompt].Test).SelectMany(prompt => candidates.GetValueOrDefault(prompt) ?? []).Distinct().Order())
            {
                foreach ((int prompt, float value) in activations[key]) values[prompt] = value;
                (double f1, float threshold) = BestThreshold([.. group.Where(prompt => !prompts[prompt].Test)], prompt => prompts[prompt].Fact == fact, values);
                if (f1 > best.F1) best = (f1, threshold, key);
                foreach ((int prompt, _) in activations[key]) values[prompt] = 0;
            }
            if (best.Key.Reader < 0)
            {
                found[fact] = new FactLatent(facts[fact], -1, -1, 0, 0.5);
                return;
            }
            foreach ((int prompt, float value) in activations[best.Key]) values[prompt] = value;
            int[] tested = [.. group.Where(prompt => prompts[prompt].Test)];
            (double tested1, double area) = Test(tested, prompt => prompts[prompt].Fact == fact, values, best.Threshold);
            found[fact] = new FactLatent(facts[fact], dictionary.Readers[best.Key.Reader].Layer, best.Key.Latent, tested1, area);
        });
        return found;
    }

    /// <summary>For each prompt: its group, the fact that it counts for, and whether it is of the tested half.</summary>
    private static IEnumerable<(int Group, int Fact, bool Test)> Deal(IReadOnlyList<KnownFact> facts, int? shuffled)
    {
        string[] groups = [.. facts.Select(fact => fact.Group).Distinct()];
        List<(int Group, int Fact, bool Test)> prompts = [];
        for (int fact = 0; fact < facts.Count; fact++)
            for (int prompt = 0; prompt < facts[fact].Prompts.Count; prompt++)
                prompts.Add((Array.IndexOf(groups, facts[fact].Group), fact, 2 * prompt >= facts[fact].Prompts.Count));
        if (shuffled is not { } seed) return prompts;
        Random random = new(seed);
        foreach (IGrouping<(int, bool), int> group in Enumerable.Range(0, prompts.Count).GroupBy(prompt => (prompts[prompt].Group, prompts[prompt].Test)).ToArray())
        {
            int[] places = [.. group], owners = [.. places.Select(place => prompts[place].Fact)];
            random.Shuffle(owners);
            for (int i = 0; i < places.Length; i++) prompts[places[i]] = prompts[places[i]] with { Fact = owners[i] };
        }
        return prompts;
    }

    private static void Activate(Transformer transformer, JudgedDictionary dictionary, int[][] tokens, int start, int end, Dictionary<(int, int), List<(int, float)>> activations)
    {
        Tensor[] inputs = new Tensor[dictionary.Readers.Count];
        ForwardHooks hooks = new();
        for (int i = 0; i < inputs.Length; i++)
        {
            int reader = i;
            hooks.Add(dictionary.Readers[i].Point, dictionary.Readers[i].Layer, (activation, _) => inputs[reader] = activation.Clone());
        }
        transformer.Forward(tokens[start..end], hooks, logits: LogitRows.None);
        int[] promptOf = [.. Enumerable.Range(start, end - start).SelectMany(prompt => tokens[prompt].Select((_, position) => position == tokens[prompt].Length - 1 ? prompt : -1))];
        for (int reader = 0; reader < inputs.Length; reader++)
            foreach (ActiveFeature feature in dictionary.Readers[reader].Encode(inputs[reader].AsMatrix()))
            {
                int prompt = promptOf[feature.Position];
                if (prompt < 0 || !(feature.Value > 0)) continue;
                if (!activations.TryGetValue((reader, feature.Feature), out List<(int Prompt, float Value)>? list)) activations.Add((reader, feature.Feature), list = []);
                list.Add((prompt, feature.Value));
            }
    }

    /// <summary>The threshold with the largest F1, midway to the next smaller value.</summary>
    private static (double F1, float Threshold) BestThreshold(int[] prompts, Func<int, bool> isPositive, float[] values)
    {
        int positives = prompts.Count(isPositive);
        int[] order = [.. prompts.Where(prompt => values[prompt] > 0).OrderByDescending(prompt => values[prompt])];
        (double F1, float Threshold) best = (0, 0);
        int right = 0;
        for (int i = 0; i < order.Length; i++)
        {
            if (isPositive(order[i])) right++;
            float next = i + 1 < order.Length ? values[order[i + 1]] : 0;
            if (next == values[order[i]]) continue;
            double f1 = 2.0 * right / (positives + i + 1);
            if (f1 > best.F1) best = (f1, (values[order[i]] + next) / 2);
        }
        return best;
    }

    private static (double F1, double Area) Test(int[] prompts, Func<int, bool> isPositive, float[] values, float threshold)
    {
        int[] positives = [.. prompts.Where(isPositive)], negatives = [.. prompts.Where(prompt => !isPositive(prompt))];
        int right = positives.Count(prompt => values[prompt] > threshold), wrong = negatives.Count(prompt => values[prompt] > threshold);
        double above = 0;
        foreach (int positive in positives)
            foreach (int negative in negatives) above += values[positive] > values[negative] ? 1 : values[positive] == values[negative] ? 0.5 : 0;
        return (positives.Length + right + wrong > 0 ? 2.0 * right / (positives.Length + right + wrong) : 0, positives.Length * negatives.Length > 0 ? above / ((double)positives.Length * negatives.Length) : 0.5);
    }
}
