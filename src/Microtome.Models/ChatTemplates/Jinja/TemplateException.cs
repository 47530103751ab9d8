namespace Microtome.Models.ChatTemplates;

/// <summary>A template that is damaged, uses what is not supported, or does too much; the message says at which line.</summary>
internal sealed class TemplateException(int line, string message) : Exception(message)
{
    public int Line => line;
}

/// <summary>A template's own objection to what it is given (<c>raise_exception</c>).</summary>
internal sealed class TemplateRefusal(string message) : Exception(message);
