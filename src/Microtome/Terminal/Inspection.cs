using Microtome.Numerics;

namespace Microtome.Terminal;

/// <summary>What was found out about a folder or file.</summary>
internal sealed class Inspection(string name, string kind)
{
    private readonly List<(string Key, string Value)> _facts = [];
    private readonly List<(string Name, string Type, string Shape, long Bytes)> _tensors = [];

    /// <summary>False where something is missing or does not fit.</summary>
    public bool CanRun { get; private set; } = true;

    public void Add(string key, string value) => _facts.Add((key, value));

    public void Add(string key, int value) => _facts.Add((key, TextFormat.Number(value)));

    public void AddTensors(IEnumerable<StoredTensor> tensors)
    {
        _tensors.AddRange(tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal).Select(tensor => (tensor.Name, tensor.Type.ToString(), tensor.ShapeText, tensor.Bytes)));
        Add("tensors", string.Join(", ", _tensors.GroupBy(tensor => tensor.Type).Select(type => $"{type.Count()} {type.Key}, {TextFormat.Bytes(type.Sum(tensor => tensor.Bytes))}")));
    }

    /// <summary>Says whether files of this size can be worked with in this computer's memory.</summary>
    public void AddMemory(long bytes)
    {
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        Add("runs here", bytes < memory * 0.8
            ? $"yes: {TextFormat.Bytes(bytes)} of files, {TextFormat.Bytes(memory)} of memory"
            : $"yes, but slowly: {TextFormat.Bytes(bytes)} of files are read from disk again and again with {TextFormat.Bytes(memory)} of memory");
    }

    public void CannotRun(string why)
    {
        CanRun = false;
        Add("runs here", $"no: {why}");
    }

    public void Print(bool tensors)
    {
        Screen.Line($"[bold]{Screen.Escape(name)}[/]  {Screen.Escape(kind)}");
        Screen.Table(["", ""], _facts.Select(fact => new[] { $"[{Screen.Faint}]{Screen.Escape(fact.Key)}[/]", Screen.Escape(fact.Value) }));
        if (!tensors) return;
        Screen.Heading("Tensors");
        foreach ((string tensor, string type, string shape, long bytes) in _tensors) Screen.Line(Screen.Escape($"  {tensor}  {type} {shape}  {TextFormat.Bytes(bytes)}"));
    }

    public void PrintJson() => JsonRecord.Print(json =>
    {
        json.WriteString("path", name);
        json.WriteString("kind", kind);
        json.WriteBoolean("can_run", CanRun);
        foreach ((string key, string value) in _facts) json.WriteString(key.Replace(' ', '_'), value);
        json.WriteStartArray("tensor_list");
        foreach ((string tensor, string type, string shape, long bytes) in _tensors)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor);
            json.WriteString("type", type);
            json.WriteString("shape", shape);
            json.WriteNumber("bytes", bytes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });
}
