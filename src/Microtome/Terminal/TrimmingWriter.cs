using System.Text;

namespace Microtome.Terminal;

/// <summary>Leaves out spaces at the ends of lines, which layouts pad with.</summary>
internal sealed class TrimmingWriter(TextWriter output) : TextWriter
{
    private int _spaces;

    public override Encoding Encoding => output.Encoding;

    public override void Write(char value)
    {
        if (value == ' ')
        {
            _spaces++;
            return;
        }
        if (value is not ('\n' or '\r')) output.Write(new string(' ', _spaces));
        _spaces = 0;
        output.Write(value);
    }

    public override void Flush() => output.Flush();
}
