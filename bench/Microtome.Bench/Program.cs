using System.CommandLine;
using Microtome.Bench;

RootCommand root = new("Measures Microtome's speed on this computer.") { GemmCommand.Create(), SynthCommand.Create(), AttributionCommand.Create(), DecodeCommand.Create(), SteerCommand.Create(), EncodeCommand.Create(), ScalingCommand.Create(), ToleranceCommand.Create(), SavingsCommand.Create(), TrainCommand.Create(), IntrospectCommand.Create(), TrainDictionaryCommand.Create(), KernelBenchmarks.Create() };
try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception mistake) when (mistake is ArgumentException or InvalidDataException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(mistake.Message);
    return 1;
}
