namespace Microtome.Models.Tokenizers;

/// <param name="Create">Makes the stage, given whether all tokens reach it as one, and whether the text is in the middle of another.</param>
/// <param name="Fuses">Whether what follows gets all tokens as one.</param>
/// <param name="NeedsWholeTokens">Whether it cannot work on a part of a token.</param>
internal sealed record DecoderStep(Func<bool, bool, DecoderStage> Create, bool Fuses = false, bool NeedsWholeTokens = false);

/// <summary>How tokens become text. Each use gets stages of its own, since stages remember what came before.</summary>
internal sealed class DecoderPlan(DecoderStep[] steps)
{
    /// <summary>What decoding means where a file has no decoder.</summary>
    public static DecoderPlan JoinWithSpaces { get; } = new([new DecoderStep((_, _) => new SpaceStage(), Fuses: true)]);

    /// <summary>The first stage, which takes tokens, and the last, which has the text.</summary>
    /// <param name="inMiddle">Whether to keep white space that is only dropped at the ends of a text.</param>
    public (DecoderStage First, TextStage Text) Build(bool inMiddle = false)
    {
        List<DecoderStage> stages = [];
        bool fused = false;
        foreach (DecoderStep step in steps)
        {
            if (fused && step.NeedsWholeTokens) stages.Add(new WholeTextStage());
            stages.Add(step.Create(fused, inMiddle));
            fused |= step.Fuses;
        }
        TextStage text = new();
        stages.Add(text);
        for (int i = 0; i + 1 < stages.Count; i++) stages[i].Next = stages[i + 1];
        return (stages[0], text);
    }
}
