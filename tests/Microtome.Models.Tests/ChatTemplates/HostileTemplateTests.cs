using System.Text;
using Microtome.Models.ChatTemplates;

namespace Microtome.Models.Tests.ChatTemplates;

public class HostileTemplateTests
{
    private static readonly ChatMessage[] Messages = [new("system", "Be brief."), new("user", "Hi"), new("assistant", "Ho")];

    [Theory]
    [InlineData("{{ 1", "line 1: '{{' is not closed with '}}'")]
    [InlineData("a\n{% if x %}\nb", "line 2: the block is not closed with '{% endif %}'")]
    [InlineData("a\n\n{# x", "line 3: a comment is not closed with '#}'")]
    [InlineData("{% raw %}x", "line 1: 'raw' is not closed")]
    [InlineData("\n{% include 'x' %}", "line 2: the statement 'include' is not supported; if, for, set,")]
    [InlineData("{% endif %}", "line 1: 'endif' closes nothing")]
    [InlineData("{{ x | pprint }}", "line 1: the filter 'pprint' is not supported; abs, attr,")]
    [InlineData("{{ x is prime }}", "line 1: the test 'prime' is not supported; boolean,")]
    [InlineData("{% for x in y recursive %}{% endfor %}", "line 1: recursive loops are not supported")]
    [InlineData("{% break %}", "line 1: 'break' stands outside a loop")]
    [InlineData("{{ f(*x) }}", "line 1: arguments with '*' are not supported")]
    [InlineData("{{ 'a }}", "line 1: a text is not closed with '")]
    [InlineData("{{ a b }}", "line 1: '}}' is expected, not 'b'")]
    [InlineData("{{ 99999999999999999999 }}", "line 1: the number 99999999999999999999 is too large")]
    [InlineData("{{ $ }}", "line 1: '$' has no meaning in a tag")]
    [InlineData("{{ ) }}", "line 1: ')' closes nothing")]
    [InlineData("{{ '\\u12' }}", "line 1: '\\u' is not followed by 4 hexadecimal digits")]
    [InlineData("{% set x.y = 1 %}", "line 1: 'x' is no namespace, so its member 'y' cannot be set")]
    [InlineData("{% set a, b = [1] %}", "line 1: 1 values cannot be unpacked to 2 names")]
    [InlineData("\n{{ x.y }}", "line 2: 'x' is not defined, so it has no member 'y'")]
    [InlineData("{{ f() }}", "line 1: 'f' is not defined and cannot be called")]
    [InlineData("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "line 1: the macro 'f' takes 1 arguments, not 2")]
    [InlineData("{{ strftime_now('%Q') }}", "line 1: strftime's '%Q' is not supported")]
    public void What_a_template_cannot_do_is_said_with_its_line(string source, string why) =>
        Should.Throw<InvalidDataException>(() => ChatTemplate.Parse(source, "t.jinja").Render(Messages)).Message.ShouldContain($"t.jinja, {why}");

    [Theory]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "takes more than 4,000,000 steps")]
    [InlineData("{{ range(1000000000) }}", "'range' has more than 100,000 elements")]
    [InlineData("{{ range(-9223372036854775807, 9223372036854775807) }}", "'range' has more than 100,000 elements")]
    [InlineData("{{ 'x' * 9223372036854775807 }}", "a text has more than")]
    [InlineData("{% set ns = namespace(t='xxxxxxxx') %}{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %}", "a text has more than")]
    [InlineData("{% set ns = namespace(t=[1]) %}{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %}", "a list has more than")]
    [InlineData("{% set ns = namespace(t=[1]) %}{% for i in range(99) %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.t }}", "nested more than")]
    [InlineData("{% set ns = namespace(t='x') %}{% for i in range(40) %}{% set ns.t = ns.t.replace('x', 'xx') %}{% endfor %}", "a text has more than")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "calls are nested more than 64 deep")]
    [InlineData("{% for i in range(100000) %}{{ messages }}{% for j in range(99) %}{{ messages }}{% endfor %}{% endfor %}", "more than")]
    [InlineData("{{ 9223372036854775807 + 1 }}", "a number is too large")]
    [InlineData("{{ 10 ** 999999999 }}", "a number is too large")]
    [InlineData("{{ ['a'] | join('b') | indent(4000, true) * 4000000 }}", "a text has more than")]
    public void A_template_that_does_too_much_is_stopped(string source, string why) =>
        Should.Throw<InvalidDataException>(() => ChatTemplate.Parse(source, "t").Render(Messages)).Message.ShouldContain(why);

    [Theory]
    [InlineData("(")]
    [InlineData("[")]
    [InlineData("not ")]
    [InlineData("- ")]
    [InlineData("1 if 1 else ")]
    [InlineData("{'a':")]
    public void Nesting_has_an_end(string opening)
    {
        string closing = opening switch { "(" => ")", "[" => "]", "{'a':" => "}", _ => "" };
        string source = "{{ " + string.Concat(Enumerable.Repeat(opening, 20000)) + "1" + string.Concat(Enumerable.Repeat(closing, 20000)) + " }}";
        Should.Throw<InvalidDataException>(() => ChatTemplate.Parse(source, "t")).Message.ShouldContain("nested more than 120 deep");
    }

    [Fact]
    public void Long_chains_do_not_overflow()
    {
        string sum = "{{ " + string.Join(" + ", Enumerable.Repeat("1", 3000)) + " }}";
        try
        {
            ChatTemplate.Parse(sum, "t").Render(Messages).ShouldBe("3000");
        }
        catch (InvalidDataException exception)
        {
            exception.Message.ShouldContain("nested");
        }
    }

    [Theory]
    [InlineData("qwen3.jinja")]
    [InlineData("llama3.jinja")]
    [InlineData("gemma3.jinja")]
    [InlineData("harmony.jinja")]
    public void A_damaged_template_is_refused_or_rendered_but_never_crashes(string file)
    {
        byte[] good = File.ReadAllBytes(Path.Combine(TestFiles.Repository, "tests", "data", "chat-templates", file));
        for (int seed = 0; seed < 400; seed++)
        {
            try
            {
                ChatTemplate.Parse(Encoding.UTF8.GetString(Mutations.Mutate(good, seed)), "t").Render(Messages, new ChatOptions { AddGenerationPrompt = seed % 2 == 0 });
            }
            catch (Exception exception) when (exception is InvalidDataException or ArgumentException)
            {
            }
        }
    }
}
