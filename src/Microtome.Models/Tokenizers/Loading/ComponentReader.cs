using System.Text;

namespace Microtome.Models.Tokenizers;

/// <summary>Makes the steps that tokenizer.json describes around its model.</summary>
internal static class ComponentReader
{
    public static Normalizer ReadNormalizer(JsonPlace place)
    {
        switch (Type(place))
        {
            case "Sequence": return new NormalizerSequence([.. place.Required("normalizers").Items().Select(ReadNormalizer)]);
            case "NFC": return new UnicodeNormalizer(NormalizationForm.FormC);
            case "NFD": return new UnicodeNormalizer(NormalizationForm.FormD);
            case "NFKC": return new UnicodeNormalizer(NormalizationForm.FormKC);
            case "NFKD": return new UnicodeNormalizer(NormalizationForm.FormKD);
            case "Prepend": return new PrependNormalizer(place.Required("prepend").Text());
            case "Replace": return new ReplaceNormalizer(ReadPattern(place.Required("pattern")), place.Required("content").Text());
            case "Lowercase": return new LowercaseNormalizer();
            case "Strip": return new StripNormalizer(Flag(place, "strip_left", true), Flag(place, "strip_right", true));
            default: throw Unknown(place, "normalizer", "Sequence, NFC, NFD, NFKC, NFKD, Prepend, Replace, Lowercase, Strip");
        }
    }

    public static PreTokenizer ReadPreTokenizer(JsonPlace place)
    {
        switch (Type(place))
        {
            case "Sequence":
                return new PreTokenizerSequence([.. place.Required("pretokenizers").Items().Select(ReadPreTokenizer)]);
            case "Split":
                return new SplitPreTokenizer(ReadPattern(place.Required("pattern")), ReadBehavior(place.Required("behavior")), Flag(place, "invert", false));
            case "ByteLevel":
                return new ByteLevelPreTokenizer(Flag(place, "add_prefix_space", true), Flag(place, "use_regex", true));
            case "Metaspace":
                return new MetaspacePreTokenizer(ReadCharacter(place, "replacement").ToString(), ReadMetaspacePrefix(place), Flag(place, "split", true));
            case "Digits":
                SplitBehavior behavior = Flag(place, "individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous;
                return new SplitPreTokenizer(new CharacterPattern(new CharacterSet(categories: CharacterSet.Categories("N"))), behavior, invert: false);
            case "Whitespace":
                return new SplitPreTokenizer(new Pattern(@"\w+|[^\w\s]+", place.ToString()), SplitBehavior.Removed, invert: true);
            case "WhitespaceSplit":
                return new SplitPreTokenizer(new CharacterPattern(CharacterSet.WhiteSpace), SplitBehavior.Removed, invert: false);
            case "Punctuation":
                SplitBehavior punctuation = place.Optional("behavior") is JsonPlace given ? ReadBehavior(given) : SplitBehavior.Isolated;
                return new SplitPreTokenizer(new CharacterPattern(s_punctuation), punctuation, invert: false);
            default:
                throw Unknown(place, "pre-tokenizer", "Sequence, Split, ByteLevel, Metaspace, Digits, Whitespace, WhitespaceSplit, Punctuation");
        }
    }

    /// <param name="place">Where the post-processor stands.</param>
    /// <param name="largestId">The largest id that its special tokens may have.</param>
    public static PostProcessor ReadPostProcessor(JsonPlace place, int largestId)
    {
        switch (Type(place))
        {
            case "Sequence":
                return new PostProcessorSequence([.. place.Required("processors").Items().Select(item => ReadPostProcessor(item, largestId))]);
            case "ByteLevel":
                return new PostProcessorSequence(Flag(place, "trim_offsets", true) ? [new TrimOffsetsPostProcessor(Flag(place, "add_prefix_space", true))] : []);
            case "TemplateProcessing":
                return ReadTemplate(place, largestId);
            case "BertProcessing":
            case "RobertaProcessing":
                TemplatePostProcessor template = new([NamedId(place.Required("cls"), largestId)], [NamedId(place.Required("sep"), largestId)]);
                if (Type(place) == "BertProcessing" || !Flag(place, "trim_offsets", true)) return template;
                return new PostProcessorSequence([new TrimOffsetsPostProcessor(Flag(place, "add_prefix_space", true)), template]);
            default:
                throw Unknown(place, "post-processor", "Sequence, ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing");
        }
    }

    public static DecoderPlan ReadDecoder(JsonPlace place)
    {
        List<DecoderStep> steps = [];
        AddDecoder(place, steps);
        return new DecoderPlan([.. steps]);
    }

    private static void AddDecoder(JsonPlace place, List<DecoderStep> steps)
    {
        switch (Type(place))
        {
            case "Sequence":
                foreach (JsonPlace item in place.Required("decoders").Items()) AddDecoder(item, steps);
                break;
            case "ByteLevel":
                steps.Add(new DecoderStep((_, _) => new ByteLevelStage(), Fuses: true));
                break;
            case "Fuse":
                steps.Add(new DecoderStep((_, _) => new FuseStage(), Fuses: true));
                break;
            case "ByteFallback":
                steps.Add(new DecoderStep((_, _) => new ByteFallbackStage(), NeedsWholeTokens: true));
                break;
            case "Replace":
                SplitPattern pattern = ReadPattern(place.Required("pattern"));
                string content = place.Required("content").Text();
                steps.Add(new DecoderStep((_, _) => new ReplaceStage(pattern, content), NeedsWholeTokens: true));
                break;
            case "Strip":
                char stripped = ReadCharacter(place, "content");
                int start = place.Required("start").Integer(1_000_000), stop = place.Required("stop").Integer(1_000_000);
                steps.Add(new DecoderStep((fused, inMiddle) => fused && inMiddle ? new FuseStage() : new StripStage(stripped, start, stop, fused)));
                break;
            case "Metaspace":
                char replacement = ReadCharacter(place, "replacement");
                bool dropFirst = ReadMetaspacePrefix(place) != MetaspacePrefix.Never;
                steps.Add(new DecoderStep((fused, inMiddle) => new MetaspaceStage(replacement, dropFirst && !inMiddle, fused)));
                break;
            default:
                throw Unknown(place, "decoder", "Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace");
        }
    }

    private static readonly CharacterSet s_punctuation = new(categories: CharacterSet.Categories("P"),
        ranges: [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]);

    private static string Type(JsonPlace place) => place.Required("type").Text();

    private static InvalidDataException Unknown(JsonPlace place, string kind, string known) =>
        place.Error($"is a {kind} of the unsupported type '{Type(place)}'; supported are {known}");

    private static bool Flag(JsonPlace place, string name, bool otherwise) => place.Optional(name)?.Flag() ?? otherwise;

    private static char ReadCharacter(JsonPlace place, string name) =>
        place.Required(name).Text() is [char only] ? only : throw place.Required(name).Error("should be a single character");

    private static SplitPattern ReadPattern(JsonPlace place)
    {
        if (place.Optional("String") is JsonPlace literal) return new LiteralPattern(literal.Text());
        if (place.Optional("Regex") is JsonPlace regex) return new Pattern(regex.Text(), regex.ToString());
        throw place.Error("should have a 'String' or a 'Regex'");
    }

    private static SplitBehavior ReadBehavior(JsonPlace place) =>
        Enum.TryParse(place.Text(), out SplitBehavior behavior) && Enum.IsDefined(behavior) && !char.IsAsciiDigit(place.Text()[0])
            ? behavior
            : throw place.Error($"is '{place.Text()}'; supported are {string.Join(", ", Enum.GetNames<SplitBehavior>())}");

    private static MetaspacePrefix ReadMetaspacePrefix(JsonPlace place)
    {
        // Older files have a flag in place of the scheme.
        if (!Flag(place, "add_prefix_space", true)) return MetaspacePrefix.Never;
        if (place.Optional("prepend_scheme") is not JsonPlace scheme) return MetaspacePrefix.Always;
        return scheme.Text() switch
        {
            "always" => MetaspacePrefix.Always,
            "first" => MetaspacePrefix.First,
            "never" => MetaspacePrefix.Never,
            _ => throw scheme.Error($"is '{scheme.Text()}'; supported are always, first, never"),
        };
    }

    private static TemplatePostProcessor ReadTemplate(JsonPlace place, int largestId)
    {
        List<int> before = [], after = [];
        bool seen = false;
        foreach (JsonPlace item in place.Required("single").Items())
        {
            if (item.Optional("Sequence") is not null)
            {
                if (seen) throw item.Error("repeats the text, which is not supported");
                seen = true;
                continue;
            }
            string name = item.Required("SpecialToken").Required("id").Text();
            JsonPlace token = place.Required("special_tokens").Required(name);
            foreach (JsonPlace id in token.Required("ids").Items()) (seen ? after : before).Add(id.Integer(largestId));
        }
        if (!seen) throw place.Required("single").Error("has no place for the text");
        return new TemplatePostProcessor([.. before], [.. after]);
    }

    /// <summary>The id of a pair such as <c>["[CLS]", 101]</c>.</summary>
    private static int NamedId(JsonPlace place, int largestId)
    {
        List<JsonPlace> pair = place.Items();
        return pair.Count == 2 ? pair[1].Integer(largestId) : throw place.Error("should be a name and an id");
    }
}
