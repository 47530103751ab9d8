using System.Globalization;
using System.Reflection;
using System.Text;

namespace Microtome.Models.Tokenizers;

/// <summary>
/// Unicode Standard Annex #15 (normalization forms). .NET leaves text as it is when it runs without a culture library, so this has
/// tables of its own, read from <c>UnicodeDecompositions.txt</c> the first time that a text needs them.
/// </summary>
internal static class UnicodeNormalization
{
    private const int HangulFirst = 0xAC00, HangulCount = 11172, LeadFirst = 0x1100, LeadCount = 19, VowelFirst = 0x1161, VowelCount = 21, TailFirst = 0x11A7, TailCount = 28;

    private static readonly Lazy<Tables> s_tables = new(Tables.Read);

    /// <summary>Whether every code point of the text stays what it is in <paramref name="form"/>. May be false for a normalized text.</summary>
    public static bool IsNormalized(ReadOnlySpan<char> text, NormalizationForm form)
    {
        char firstThatMayChange = form switch { NormalizationForm.FormC => '\u0300', NormalizationForm.FormD => '\u00C0', _ => '\u00A0' };
        int at = text.IndexOfAnyInRange(firstThatMayChange, '\uFFFF');
        if (at < 0) return true;
        Tables tables = s_tables.Value;
        while (at < text.Length)
            if (!tables.IsInert(CharacterSet.Next(text, ref at), form)) return false;
        return true;
    }

    /// <summary>
    /// The normalized text and how each code point came about: 0, it replaces one; 1, it was inserted;
    /// -n, it replaces one and the n after it.
    /// </summary>
    public static List<(int CodePoint, int Change)> Normalize(ReadOnlySpan<int> text, NormalizationForm form)
    {
        Tables tables = s_tables.Value;
        bool compatible = form is NormalizationForm.FormKC or NormalizationForm.FormKD;
        List<(int CodePoint, int Change)> result = new(text.Length);
        List<int> decomposition = [];
        int marksFrom = 0;
        foreach (int codePoint in text)
        {
            decomposition.Clear();
            tables.Decompose(codePoint, compatible, decomposition);
            for (int i = 0; i < decomposition.Count; i++)
            {
                if (tables.CombiningClass(decomposition[i]) == 0)
                {
                    Reorder(result, marksFrom, tables);
                    marksFrom = result.Count + 1;
                }
                result.Add((decomposition[i], i == 0 ? 0 : 1));
            }
        }
        Reorder(result, marksFrom, tables);
        return form is NormalizationForm.FormC or NormalizationForm.FormKC ? Compose(result, tables) : result;
    }

    /// <summary>Sorts a run of marks by combining class, keeping the order within each.</summary>
    private static void Reorder(List<(int CodePoint, int Change)> text, int from, Tables tables)
    {
        if (text.Count - from < 2) return;
        (int CodePoint, int Change)[] sorted = [.. text[from..].OrderBy(character => tables.CombiningClass(character.CodePoint))];
        for (int i = 0; i < sorted.Length; i++) text[from + i] = sorted[i];
    }

    private static List<(int CodePoint, int Change)> Compose(List<(int CodePoint, int Change)> text, Tables tables)
    {
        List<(int CodePoint, int Change)> result = new(text.Count);
        int starter = -1;
        int lastClass = -1;
        foreach ((int codePoint, int change) in text)
        {
            int combiningClass = tables.CombiningClass(codePoint);
            if (starter >= 0 && lastClass < combiningClass && tables.Compose(result[starter].CodePoint, codePoint) is int composed)
            {
                result[starter] = (composed, result[starter].Change + change - 1);
                continue;
            }
            result.Add((codePoint, change));
            if (combiningClass == 0) (starter, lastClass) = (result.Count - 1, -1);
            else lastClass = combiningClass;
        }
        return result;
    }

    private sealed class Tables
    {
        private readonly Dictionary<int, byte> _classes = [];
        private readonly Dictionary<int, int[]> _canonical = [];
        private readonly Dictionary<int, int[]> _compatible = [];
        private readonly HashSet<int> _excluded = [];
        private readonly Dictionary<(int, int), int> _compositions = [];
        private readonly HashSet<int> _seconds = [];

        public static Tables Read()
        {
            Tables tables = new();
            using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("UnicodeDecompositions.txt")
                ?? throw new InvalidOperationException("The assembly was built without UnicodeDecompositions.txt.");
            using StreamReader reader = new(stream);
            while (reader.ReadLine() is string line)
                if (line.Length > 0 && line[0] != '#') tables.Add(line);
            return tables;
        }

        public int CombiningClass(int codePoint) => codePoint >= 0x300 && _classes.TryGetValue(codePoint, out byte value) ? value : 0;

        public void Decompose(int codePoint, bool compatible, List<int> output)
        {
            int syllable = codePoint - HangulFirst;
            if ((uint)syllable < HangulCount)
            {
                output.Add(LeadFirst + syllable / (VowelCount * TailCount));
                output.Add(VowelFirst + syllable % (VowelCount * TailCount) / TailCount);
                if (syllable % TailCount > 0) output.Add(TailFirst + syllable % TailCount);
            }
            else if (_canonical.TryGetValue(codePoint, out int[]? parts) || (compatible && _compatible.TryGetValue(codePoint, out parts)))
            {
                foreach (int part in parts) Decompose(part, compatible, output);
            }
            else
            {
                output.Add(codePoint);
            }
        }

        public int? Compose(int first, int second)
        {
            int lead = first - LeadFirst, vowel = second - VowelFirst;
            if ((uint)lead < LeadCount && (uint)vowel < VowelCount) return HangulFirst + (lead * VowelCount + vowel) * TailCount;
            int syllable = first - HangulFirst, tail = second - TailFirst;
            if ((uint)syllable < HangulCount && syllable % TailCount == 0 && tail is > 0 and < TailCount) return first + tail;
            return _compositions.TryGetValue((first, second), out int composed) ? composed : null;
        }

        public bool IsInert(int codePoint, NormalizationForm form)
        {
            if (codePoint < 0xA0) return true;
            if (CombiningClass(codePoint) != 0) return false;
            bool compatible = form is NormalizationForm.FormKC or NormalizationForm.FormKD;
            if (compatible && _compatible.ContainsKey(codePoint)) return false;
            if (form is NormalizationForm.FormD or NormalizationForm.FormKD)
                return !_canonical.ContainsKey(codePoint) && (uint)(codePoint - HangulFirst) >= HangulCount;
            if (_excluded.Contains(codePoint) || _seconds.Contains(codePoint)) return false;
            if ((uint)(codePoint - VowelFirst) < VowelCount || (uint)(codePoint - TailFirst) < TailCount) return false;
            // A character composed of compatibility characters changes although it has no mapping of its own.
            return !compatible || !_canonical.TryGetValue(codePoint, out int[]? parts) || Array.TrueForAll(parts, part => !_compatible.ContainsKey(part));
        }

        /// <summary>
        /// <c>0300:230</c> combining class (<c>0300-0314:230</c> for a range), <c>00C0=0041 0300</c> canonical decomposition (<c>!</c>
        /// for one that is never composed again), <c>00A0~0020</c> compatibility decomposition.
        /// </summary>
        private void Add(string line)
        {
            int sign = line.AsSpan().IndexOfAny(":=!~");
            string[] ends = line[..sign].Split('-');
            int first = Hexadecimal(ends[0]);
            if (line[sign] == ':')
            {
                byte value = byte.Parse(line.AsSpan(sign + 1), CultureInfo.InvariantCulture);
                for (int codePoint = first; codePoint <= Hexadecimal(ends[^1]); codePoint++) _classes.Add(codePoint, value);
                return;
            }
            int[] parts = Array.ConvertAll(line[(sign + 1)..].Split(' '), Hexadecimal);
            (line[sign] == '~' ? _compatible : _canonical).Add(first, parts);
            if (line[sign] == '!') _excluded.Add(first);
            if (line[sign] != '=') return;
            _compositions.Add((parts[0], parts[1]), first);
            _seconds.Add(parts[1]);
        }

        private static int Hexadecimal(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }
}
