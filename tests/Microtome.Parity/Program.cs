using Microtome.Parity;

if (args.Length != 1 || args[0] is "-h" or "--help")
{
    Console.Error.WriteLine("""
        Compares Microtome with what reference implementations computed.

        Usage: Microtome.Parity FOLDER

        FOLDER holds any of models/, attribution/, tokenizers/, saes/ and vectors/, laid out as golden files are. One line a case; the exit
        code is 1 when a case is out of tolerance or fails, or when no case is found.
        """);
    return 2;
}
return ParityRun.Run(args[0], Console.Out) ? 0 : 1;
