using Spectre.Console;
using Spectre.Console.Rendering;

namespace Microtome.Terminal;

/// <summary>Standard output: colours and lines in a terminal, plain text in a pipe.</summary>
internal static class Screen
{
    /// <summary>Blue and orange, which all common kinds of colour blindness tell apart; signs are printed too.</summary>
    public const string Positive = "deepskyblue1", Negative = "orange1", Faint = "grey";

    private static readonly IAnsiConsole Console = Create();

    public static void Line(string markup = "") => Console.MarkupLine(markup);

    public static void Heading(string text) => Console.MarkupLine($"\n[bold]{Markup.Escape(text)}[/]");

    public static void Write(IRenderable renderable) => Console.Write(renderable);

    public static string Escape(string text) => Markup.Escape(text);

    /// <summary>Rows under a heading, the first column indented by two.</summary>
    /// <param name="columns">Right-aligned where they begin with '&gt;'.</param>
    public static void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        Grid grid = new();
        grid.AddColumn(new GridColumn { Width = 1, Padding = new Padding(0, 0, 0, 0) });
        foreach (string column in columns)
            grid.AddColumn(new GridColumn { NoWrap = true, Alignment = column.StartsWith('>') ? Justify.Right : Justify.Left, Padding = new Padding(1, 0, 1, 0) });
        if (columns.Any(column => column.TrimStart('>').Length > 0)) grid.AddRow([" ", .. columns.Select(column => $"[{Faint}]{Markup.Escape(column.TrimStart('>'))}[/]")]);
        foreach (IReadOnlyList<string> row in rows) grid.AddRow([" ", .. row]);
        Console.Write(grid);
    }

    private static IAnsiConsole Create()
    {
        if (!System.Console.IsOutputRedirected) return AnsiConsole.Create(new AnsiConsoleSettings());
        IAnsiConsole plain = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(new TrimmingWriter(System.Console.Out)),
        });
        plain.Profile.Width = 4096; // a pipe has no width at which to break lines
        return plain;
    }

    public static string Bar(double share, int width)
    {
        int full = (int)Math.Round(Math.Clamp(share, 0, 1) * width);
        return full == 0 ? "" : $"[{Positive}]{new string('█', full)}[/]";
    }
}
