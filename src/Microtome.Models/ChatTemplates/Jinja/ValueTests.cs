namespace Microtome.Models.ChatTemplates;

/// <summary>Jinja's tests: <c>value is name</c>.</summary>
internal static class ValueTests
{
    private static readonly Dictionary<string, Func<Rendering, object?, IReadOnlyList<object?>, bool>> All = new(StringComparer.Ordinal)
    {
        ["defined"] = (_, value, _) => value is not Undefined,
        ["undefined"] = (_, value, _) => value is Undefined,
        ["none"] = (_, value, _) => value is null,
        ["string"] = (_, value, _) => value is string,
        ["number"] = (_, value, _) => value is long or double or bool,
        ["integer"] = (_, value, _) => value is long,
        ["float"] = (_, value, _) => value is double,
        ["boolean"] = (_, value, _) => value is bool,
        ["true"] = (_, value, _) => value is true,
        ["false"] = (_, value, _) => value is false,
        ["mapping"] = (_, value, _) => value is Map,
        ["sequence"] = (_, value, _) => value is string or List<object?> or Map or Undefined,
        ["iterable"] = (_, value, _) => value is string or List<object?> or Map or Undefined,
        ["callable"] = (_, value, _) => value is Callable or Undefined,
        ["odd"] = (rendering, value, _) => Whole(rendering, value) % 2 != 0,
        ["even"] = (rendering, value, _) => Whole(rendering, value) % 2 == 0,
        ["divisibleby"] = (rendering, value, operands) => Whole(rendering, Operand(rendering, operands)) is var by and not 0 ? Whole(rendering, value) % by == 0 : throw rendering.Error("a number is divided by 0"),
        ["eq"] = (rendering, value, operands) => Operations.AreEqual(value, Operand(rendering, operands)),
        ["equalto"] = (rendering, value, operands) => Operations.AreEqual(value, Operand(rendering, operands)),
        ["ne"] = (rendering, value, operands) => !Operations.AreEqual(value, Operand(rendering, operands)),
        ["sameas"] = (rendering, value, operands) => Operand(rendering, operands) is var other && (value is bool or null || other is bool or null ? Equals(value, other) : Operations.AreEqual(value, other)),
        ["lt"] = (rendering, value, operands) => Operations.Order(rendering, value, Operand(rendering, operands)) < 0,
        ["lessthan"] = (rendering, value, operands) => Operations.Order(rendering, value, Operand(rendering, operands)) < 0,
        ["le"] = (rendering, value, operands) => Operations.Order(rendering, value, Operand(rendering, operands)) <= 0,
        ["gt"] = (rendering, value, operands) => Operations.Order(rendering, value, Operand(rendering, operands)) > 0,
        ["greaterthan"] = (rendering, value, operands) => Operations.Order(rendering, value, Operand(rendering, operands)) > 0,
        ["ge"] = (rendering, value, operands) => Operations.Order(rendering, value, Operand(rendering, operands)) >= 0,
        ["in"] = (rendering, value, operands) => Operations.Contains(rendering, Operand(rendering, operands), value),
        ["lower"] = (_, value, _) => value is string text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
        ["upper"] = (_, value, _) => value is string text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
    };

    public static string Names { get; } = string.Join(", ", All.Keys.Order(StringComparer.Ordinal));

    public static bool Exists(string name) => All.ContainsKey(name);

    public static bool Holds(Rendering rendering, string name, object? value, IReadOnlyList<object?> operands) =>
        All.TryGetValue(name, out var test) ? test(rendering, value, operands) : throw rendering.Error($"the test '{name}' is not supported; {Names} are");

    private static object? Operand(Rendering rendering, IReadOnlyList<object?> operands) => operands.Count > 0 ? operands[0] : throw rendering.Error("a test needs a value to compare with");

    private static long Whole(Rendering rendering, object? value) => value is long number ? number : throw rendering.Error($"{PythonText.TypeOf(value)} is no integer");
}
