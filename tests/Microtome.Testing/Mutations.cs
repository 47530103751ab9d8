namespace Microtome.Testing;

/// <summary>Damaged copies of a file: for each seed one that is cut, has bits flipped, bytes overwritten, inserted or removed, or a part repeated.</summary>
public static class Mutations
{
    private static readonly byte[] Telling = [0, 1, 0x7F, 0x80, 0xFF, (byte)'"', (byte)'{', (byte)'[', (byte)'-', (byte)'9', (byte)'&', (byte)'*'];

    /// <param name="interesting">Only the first bytes, up to here, are changed; more telling than those of large arrays.</param>
    public static byte[] Mutate(byte[] original, int seed, int interesting = int.MaxValue)
    {
        Random random = new(seed);
        List<byte> bytes = [.. original];
        int changes = 1 + random.Next(4);
        for (int change = 0; change < changes && bytes.Count > 0; change++)
        {
            int at = random.Next(Math.Min(bytes.Count, interesting));
            switch (random.Next(7))
            {
                case 0: bytes.RemoveRange(at, bytes.Count - at); break;
                case 1: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: bytes[at] = (byte)random.Next(256); break;
                case 3: bytes[at] = Telling[random.Next(Telling.Length)]; break;
                case 4: bytes.Insert(at, Telling[random.Next(Telling.Length)]); break;
                case 5: bytes.RemoveRange(at, Math.Min(bytes.Count - at, 1 + random.Next(8))); break;
                default: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, 1 + random.Next(16)))); break;
            }
        }
        return [.. bytes];
    }
}
