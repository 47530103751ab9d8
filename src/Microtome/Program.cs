using System.CommandLine;
using System.CommandLine.Help;
using Microtome.Commands;

(string Name, Func<Command> Create)[] commands =
[
    ("trace", TraceCommand.Create),
    ("intervene", InterveneCommand.Create),
    ("features", FeaturesCommand.Create),
    ("studio", StudioCommand.Create),
    ("generate", GenerateCommand.Create),
    ("chat", ChatCommand.Create),
    ("vector", VectorCommand.Create),
    ("introspect", IntrospectCommand.Create),
    ("harvest", HarvestCommand.Create),
    ("train-dictionary", TrainDictionaryCommand.Create),
    ("evaluate-dictionary", EvaluateDictionaryCommand.Create),
    ("index", IndexCommand.Create),
    ("train-lm", TrainLmCommand.Create),
    ("study", StudyCommand.Create),
    ("reproduce", ReproduceCommand.Create),
    ("inspect", InspectCommand.Create),
];
RootCommand root = new("""
    Opens up trained language models: finds the features that a transformer computes with, traces the circuit behind an answer,
    and changes features to see what follows.
    """);
// Only the command that is asked for is made: people wait for it. Help and mistakes need all of them.
bool asked = args.Length > 0 && commands.Any(command => command.Name == args[0]);
foreach ((string name, Func<Command> create) in commands)
    if (!asked || name == args[0]) root.Add(create());
foreach (Option option in root.Options)
    if (option is HelpOption { Action: HelpAction help }) option.Action = new HelpWithExamples(help);
return await CommandRunner.RunAsync(root.Parse(args));
