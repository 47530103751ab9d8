using System.Text;
using System.Text.Json;

namespace Microtome.Dictionaries.Training;

/// <summary>How training went, a JSON object a line.</summary>
internal sealed class TrainingCurve
{
    private readonly string _path;

    public TrainingCurve(string path, bool resumes)
    {
        _path = path;
        if (!resumes) File.Delete(path);
    }

    public void Add(IReadOnlyList<DictionaryProgress> progress)
    {
        StringBuilder lines = new();
        foreach (DictionaryProgress one in progress)
        {
            using MemoryStream buffer = new();
            using (Utf8JsonWriter json = new(buffer))
            {
                json.WriteStartObject();
                json.WriteString("dictionary", one.Dictionary);
                json.WriteNumber("step", one.Step);
                json.WriteNumber("loss", Math.Round(one.Loss, 6));
                json.WriteNumber("unexplained", Math.Round(one.Unexplained, 6));
                json.WriteNumber("active", Math.Round(one.Active, 4));
                json.WriteNumber("dead", one.Dead);
                json.WriteEndObject();
            }
            lines.Append(Encoding.UTF8.GetString(buffer.ToArray())).Append('\n');
        }
        File.AppendAllText(_path, lines.ToString());
    }
}
