using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Microtome.Experiments;

/// <summary>Reads experiment files: YAML whose every key is known. Messages name the file and the line.</summary>
public static class ExperimentReader
{
    private const int LargestFile = 1 << 20, Deepest = 12, MostEntries = 10_000;

    internal static readonly string[] CommonKeys =
        ["experiment", "title", "model", "dictionary", "concepts", "vector", "layers", "strengths", "unit", "positions", "placebos", "seed", "resamples", "answers", "prompts"];

    /// <summary>The settings of a file.</summary>
    /// <exception cref="InvalidDataException">It is no experiment file; the message names line and reason.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ExperimentSettings Load(string path)
    {
        if (Directory.Exists(path)) throw new InvalidDataException($"{path} is a folder; an experiment is one YAML file.");
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no experiment file {path}.", path);
        if (new FileInfo(path).Length > LargestFile) throw new InvalidDataException($"{path} has {new FileInfo(path).Length} bytes; an experiment file has at most {LargestFile}.");
        return Parse(File.ReadAllText(path), path);
    }

    /// <param name="name">What messages call the text.</param>
    /// <exception cref="InvalidDataException">It describes no experiment; the message names line and reason.</exception>
    public static ExperimentSettings Parse(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        try
        {
            CheckDepth(text, name);
            YamlStream stream = [];
            stream.Load(new StringReader(text));
            if (stream.Documents.Count == 0) throw new InvalidDataException($"{name} is empty; an experiment file says at least \"experiment: injected-thought\".");
            return Read(new YamlPlace(name, stream.Documents[0].RootNode));
        }
        catch (YamlException exception)
        {
            throw new InvalidDataException($"{name}:{exception.Start.Line}: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"{name} is no YAML that can be read: {exception.Message}", exception); // what the YAML reader throws on some damaged text
        }
    }

    /// <summary>Deeply nested text would overflow the stack of whoever reads it.</summary>
    private static void CheckDepth(string text, string name)
    {
        Parser parser = new(new StringReader(text));
        int depth = 0;
        while (parser.MoveNext())
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > Deepest) throw new InvalidDataException($"{name}:{parser.Current.Start.Line}: this is nested more deeply than any experiment file.");
        }
    }

    private static ExperimentSettings Read(YamlPlace root)
    {
        YamlPlace kindPlace = root.Find("experiment") ?? throw root.Error($"this says no experiment; write one of {Names()} after \"experiment:\"");
        ExperimentKind kind = ExperimentKind.Find(kindPlace.Text()) ?? throw kindPlace.Error($"there is no experiment '{kindPlace.Text()}'; there are {Names()}");
        root.OnlyKeys([.. CommonKeys, .. kind.Numbers.Select(number => number.Name)]);

        ExperimentSettings settings = new() { Kind = kind };
        return settings with
        {
            Title = root.Find("title")?.Text(),
            Model = root.Find("model")?.Text(),
            Dictionary = root.Find("dictionary")?.Text(),
            Concepts = root.Find("concepts")?.Items().Select(Concept).ToArray() is { } concepts ? Distinct(root, concepts) : settings.Concepts,
            VectorTemplates = Vector(root, "templates"),
            BaselineWords = Vector(root, "baseline"),
            Layers = root.Find("layers") is { } layers ? layers.IsList ? string.Join(',', layers.Items().Select(item => item.Text())) : layers.Text() : settings.Layers,
            Strengths = root.Find("strengths")?.Items().Select(item => item.Number(double.Epsilon, 1e6)).ToArray() is { } strengths ? Distinct(root.Find("strengths")!, strengths) : settings.Strengths,
            Unit = root.Find("unit") is { } unit ? Unit(unit) : settings.Unit,
            Positions = root.Find("positions")?.Text(),
            Placebos = (int?)root.Find("placebos")?.Number(0, 10_000, whole: true) ?? settings.Placebos,
            Seed = (int?)root.Find("seed")?.Number(0, int.MaxValue, whole: true) ?? settings.Seed,
            Resamples = (int?)root.Find("resamples")?.Number(100, 1_000_000, whole: true) ?? settings.Resamples,
            Yes = Answers(root, "yes") ?? settings.Yes,
            No = Answers(root, "no") ?? settings.No,
            Prompts = Prompts(root, kind),
            Numbers = kind.Numbers.Where(number => root.Find(number.Name) is not null)
                .ToDictionary(number => number.Name, number => root.Find(number.Name)!.Number(number.Minimum, number.Maximum, number.IsWhole)),
        };
    }

    private static ConceptSetting Concept(YamlPlace place)
    {
        if (!place.IsMap) return new ConceptSetting(place.Text());
        place.OnlyKeys("name", "file", "latents");
        string name = (place.Find("name") ?? throw place.Error("a concept needs a name")).Text();
        if (place.Find("latents") is not { } latents) return new ConceptSetting(name, place.Find("file")?.Text());
        if (place.Find("file") is not null) throw place.Error("a concept has a file or latents, not both");
        return new ConceptSetting(name, null, [.. AtLeastOne(latents, [.. latents.Items().Select(item =>
        {
            YamlPlace[] numbers = [.. item.Items()];
            if (numbers.Length is not (2 or 3)) throw item.Error("a latent is [layer, latent] or [layer, latent, weight]");
            return ((int)numbers[0].Number(0, 10_000, whole: true), (int)numbers[1].Number(0, int.MaxValue, whole: true), numbers.Length == 3 ? (float)numbers[2].Number(-1e6, 1e6) : 1f);
        })])]);
    }

    private static ConceptSetting[] Distinct(YamlPlace root, ConceptSetting[] concepts)
    {
        YamlPlace place = root.Find("concepts")!;
        if (concepts.GroupBy(concept => concept.Name).FirstOrDefault(group => group.Count() > 1) is { } twice) throw place.Error($"the concept '{twice.Key}' is there twice");
        return AtLeastOne(place, concepts);
    }

    private static double[] Distinct(YamlPlace place, double[] strengths) =>
        strengths.GroupBy(strength => strength).FirstOrDefault(group => group.Count() > 1) is { } twice ? throw place.Error(FormattableString.Invariant($"the strength {twice.Key} is there twice")) : AtLeastOne(place, strengths);

    private static T[] AtLeastOne<T>(YamlPlace place, T[] items) => items.Length > 0 ? items : throw place.Error("this list is empty");

    private static IReadOnlyList<string>? Vector(YamlPlace root, string key)
    {
        if (root.Find("vector") is not { } vector) return null;
        vector.OnlyKeys("templates", "baseline");
        return vector.Find(key) is { } place ? AtLeastOne(place, [.. place.Items().Select(item => item.Text())]) : null;
    }

    private static IReadOnlyList<string>? Answers(YamlPlace root, string key)
    {
        if (root.Find("answers") is not { } answers) return null;
        answers.OnlyKeys("yes", "no");
        return answers.Find(key) is { } place ? AtLeastOne(place, [.. place.Items().Select(item => item.Text())]) : null;
    }

    private static SteeringUnit Unit(YamlPlace place) => place.Text() switch
    {
        "share" => SteeringUnit.Share,
        "length" => SteeringUnit.Length,
        "vector" => SteeringUnit.Vector,
        string other => throw place.Error($"there is no unit '{other}'; there are share (of the stream's length), length and vector (times the vector as it is)"),
    };

    private static Dictionary<string, IReadOnlyList<string>> Prompts(YamlPlace root, ExperimentKind kind)
    {
        Dictionary<string, IReadOnlyList<string>> prompts = [];
        if (root.Find("prompts") is not { } place) return prompts;
        place.OnlyKeys([.. kind.Prompts.Select(key => key.Name)]);
        foreach (PromptKey key in kind.Prompts)
        {
            if (place.Find(key.Name) is not { } texts) continue;
            if (!key.IsList && texts.IsList) throw texts.Error($"'{key.Name}' is one text, not a list");
            prompts[key.Name] = [.. texts.Items().Select(item => item.Text())];
            if (!key.IsList || key.Name is "ask" or "sentences" or "framings") AtLeastOne(texts, [.. prompts[key.Name]]);
        }
        return prompts;
    }

    private static string Names() => string.Join(", ", ExperimentKind.All.Select(kind => kind.Name));

    /// <summary>A node and where it stands.</summary>
    private sealed class YamlPlace(string file, YamlNode node)
    {
        public bool IsMap => node is YamlMappingNode;

        public bool IsList => node is YamlSequenceNode;

        public InvalidDataException Error(string reason) => new($"{file}:{node.Start.Line}: {reason}.");

        public YamlPlace? Find(string key)
        {
            if (node is not YamlMappingNode map) throw Error("here should be keys and values");
            return map.Children.FirstOrDefault(child => child.Key is YamlScalarNode { Value: { } name } && name == key).Value is { } value ? new YamlPlace(file, value) : null;
        }

        public void OnlyKeys(params IReadOnlyList<string> known)
        {
            if (node is not YamlMappingNode map) throw Error("here should be keys and values");
            foreach (YamlNode key in map.Children.Keys)
                if (key is not YamlScalarNode { Value: { } name } || !known.Contains(name))
                    throw new YamlPlace(file, key).Error($"there is no key '{(key as YamlScalarNode)?.Value}'; here can be {string.Join(", ", known)}");
        }

        /// <summary>The entries of a list; a single value counts as a list of one.</summary>
        public IEnumerable<YamlPlace> Items()
        {
            if (node is YamlMappingNode) throw Error("here should be a list");
            if (node is not YamlSequenceNode list) return [this];
            if (list.Children.Count > MostEntries) throw Error($"this list has {list.Children.Count} entries; {MostEntries} are the most");
            return list.Children.Select(child => new YamlPlace(file, child));
        }

        public string Text() => node is YamlScalarNode { Value.Length: > 0 } scalar ? scalar.Value : throw Error("here should be a text");

        public double Number(double minimum, double maximum, bool whole = false)
        {
            string text = Text();
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || !(value >= minimum && value <= maximum) || (whole && value != Math.Floor(value)))
                throw Error($"'{text}' is not a {(whole ? "whole " : "")}number from {Bound(minimum)} to {Bound(maximum)}");
            return value;
        }

        private static string Bound(double value) => value == double.Epsilon ? "above 0" : value.ToString("G12", CultureInfo.InvariantCulture);
    }
}
