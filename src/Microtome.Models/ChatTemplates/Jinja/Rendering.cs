using System.Text;

namespace Microtome.Models.ChatTemplates;

/// <summary>
/// One rendering: its output and what it may still do. A template may take so many steps, hold texts of so many characters and nest calls so
/// deep; no published one comes near.
/// </summary>
internal sealed class Rendering(int line)
{
    public const int MostSteps = 4_000_000, LongestText = 8 << 20, DeepestCall = 64, MostItems = 1 << 20;
    private long _steps;
    private int _depth;

    /// <summary>What has been written so far.</summary>
    public StringBuilder Output { get; private set; } = new();

    /// <summary>The line that is being rendered.</summary>
    public int Line { get; set; } = line;

    public void Step(long count = 1)
    {
        if ((_steps += count) > MostSteps) throw Error($"the template takes more than {MostSteps:N0} steps");
    }

    /// <summary>Counts a text that was made, by its length.</summary>
    public string Made(string text)
    {
        if (text.Length > LongestText) throw Error($"a text has more than {LongestText:N0} characters");
        Step(text.Length / 64);
        return text;
    }

    /// <summary>Refuses a text that would be too long before it is made.</summary>
    public void CheckLength(long length)
    {
        if (length > LongestText) throw Error($"a text has more than {LongestText:N0} characters");
    }

    public void Write(string text)
    {
        if (Output.Length + (long)text.Length > LongestText) throw Error($"the template writes more than {LongestText:N0} characters");
        Step(text.Length / 64);
        Output.Append(text);
    }

    /// <summary>What something writes, as a text of its own.</summary>
    public string Capture(Action write)
    {
        StringBuilder outer = Output;
        Output = new StringBuilder();
        try
        {
            write();
            return Output.ToString();
        }
        finally
        {
            Output = outer;
        }
    }

    /// <summary>Enters a call.</summary>
    public T Nested<T>(Func<T> call)
    {
        if (++_depth > DeepestCall) throw Error($"calls are nested more than {DeepestCall} deep");
        try
        {
            return call();
        }
        finally
        {
            _depth--;
        }
    }

    public TemplateException Error(string message) => new(Line, message);
}
