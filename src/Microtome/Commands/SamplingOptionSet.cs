using System.CommandLine;
using Microtome.Models;

namespace Microtome.Commands;

/// <summary>The options of how text is generated.</summary>
internal sealed class SamplingOptionSet(int mostTokens = 64)
{
    private readonly Option<double> _temperature = new("--temperature") { HelpName = "T", Description = "Logits are divided by this; 0 always takes the most probable token." };
    private readonly Option<double> _topP = new("--top-p") { HelpName = "P", Description = "Choose among the fewest tokens whose probabilities reach this sum.", DefaultValueFactory = _ => 1 };
    private readonly Option<int> _topK = new("--top-k") { HelpName = "K", Description = "Choose among this many most probable tokens; 0 for all." };
    private readonly Option<int> _seed = new("--seed") { HelpName = "N", Description = "Equal seeds give equal texts." };
    private readonly Option<int> _most = new("--max-tokens") { HelpName = "N", Description = "The most tokens to generate.", DefaultValueFactory = _ => mostTokens };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_temperature, _topP, _topK, _seed, _most]) command.Add(option);
        CommonOptions.NotNegative(_temperature);
        CommonOptions.Probability(_topP);
        CommonOptions.NotNegative(_topK);
        CommonOptions.Positive(_most);
    }

    public SamplingOptions Read(ParseResult result)
    {
        SamplingOptions options = new()
        {
            Temperature = result.GetValue(_temperature),
            TopP = result.GetValue(_topP),
            TopK = result.GetValue(_topK),
            Seed = result.GetValue(_seed),
            MaximumTokens = result.GetValue(_most),
        };
        options.Validate();
        return options;
    }
}
