namespace Microtome.Models.SmallWorld;

/// <summary>One kind of sentence: its templates, what fills them, and which fillings training never shows.</summary>
public abstract class WorldTask
{
    /// <summary>Of all fillings, the share that each template lacks in training.</summary>
    protected const double HeldOutShare = 0.1;

    private protected WorldTask(string name, int hops, double weight, IReadOnlyList<string> templates)
    {
        Name = name;
        Hops = hops;
        Weight = weight;
        Templates = [.. templates.Select(text => new Template(text))];
    }

    /// <summary>Such as <c>city-state-capital</c>.</summary>
    public string Name { get; }

    /// <summary>2 where the answer takes two facts, each of which other tasks state; else 1.</summary>
    public int Hops { get; }

    /// <summary>How often training draws from it, against other tasks.</summary>
    public double Weight { get; }

    public IReadOnlyList<Template> Templates { get; }

    /// <summary>A filling at random, whatever its exposure.</summary>
    public abstract Filling Draw(Random random);

    public abstract Exposure Exposure(Filling filling, int template);

    /// <summary>What makes a sentence that training may show.</summary>
    internal (Template Template, Filling Filling) DrawShown(Random random)
    {
        while (true)
        {
            int template = random.Next(Templates.Count);
            Filling filling = Draw(random);
            if (Exposure(filling, template) == SmallWorld.Exposure.Seen) return (Templates[template], filling);
        }
    }

    /// <summary>Different questions of one template and exposure, at most <paramref name="most"/>; fewer where there are no more.</summary>
    public IReadOnlyList<Question> Questions(int template, Exposure exposure, int most, int seed)
    {
        Template sentence = Templates[template];
        return
        [
            .. Fillings(new Random(seed)).Where(filling => Exposure(filling, template) == exposure).Take(most)
                .Select(filling => new Question(this, template, exposure, sentence.Prompt(filling), sentence.Answers(filling)) { Filling = filling }),
        ];
    }

    /// <summary>Different fillings in random order: all, or as many as chance finds.</summary>
    protected abstract IEnumerable<Filling> Fillings(Random random);
}
