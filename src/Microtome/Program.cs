using System.CommandLine;
using System.CommandLine.Help;
using Microtome.Commands;

RootCommand root = new("""
    Opens up trained language models: finds the features that a transformer computes with, traces the circuit behind an answer,
    and changes features to see what follows.
    """)
{
    TraceCommand.Create(),
    GenerateCommand.Create(),
    ChatCommand.Create(),
    VectorCommand.Create(),
    FeaturesCommand.Create(),
    IndexCommand.Create(),
    EvaluateDictionaryCommand.Create(),
    InterveneCommand.Create(),
    IntrospectCommand.Create(),
    ReproduceCommand.Create(),
    InspectCommand.Create(),
    HarvestCommand.Create(),
    TrainDictionaryCommand.Create(),
    StudioCommand.Create(),
    TrainLmCommand.Create(),
    StudyCommand.Create(),
};
foreach (Option option in root.Options)
    if (option is HelpOption { Action: HelpAction help }) option.Action = new HelpWithExamples(help);
return await CommandRunner.RunAsync(root.Parse(args));
