namespace Microtome.Models.ChatTemplates;

/// <summary>An expression of a template.</summary>
internal abstract record Expression(int Line)
{
    public object? Evaluate(Rendering rendering, Scope scope)
    {
        rendering.Step();
        rendering.Line = Line;
        return Value(rendering, scope);
    }

    protected abstract object? Value(Rendering rendering, Scope scope);

    /// <summary>The value as a condition, as Python sees it.</summary>
    public bool IsTrue(Rendering rendering, Scope scope) => Operations.IsTrue(Evaluate(rendering, scope));
}

internal sealed record Literal(int Line, object? Constant) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope) => Constant;
}

internal sealed record NameExpression(int Line, string Name) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope) => scope.Find(Name);
}

internal sealed record ListExpression(int Line, IReadOnlyList<Expression> Items) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope) => Items.Select(item => item.Evaluate(rendering, scope)).ToList();
}

internal sealed record MapExpression(int Line, IReadOnlyList<(Expression Key, Expression Value)> Entries) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope)
    {
        Map map = new();
        foreach ((Expression key, Expression value) in Entries) map[PythonText.Of(key.Evaluate(rendering, scope))] = value.Evaluate(rendering, scope);
        return map;
    }
}

/// <summary><c>value.name</c>: a method where there is one, else an entry.</summary>
internal sealed record MemberExpression(int Line, Expression Of, string Name) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope) => Operations.Member(rendering, Of.Evaluate(rendering, scope), Name);
}

/// <summary><c>value[index]</c></summary>
internal sealed record IndexExpression(int Line, Expression Of, Expression Index) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope) => Operations.Item(rendering, Of.Evaluate(rendering, scope), Index.Evaluate(rendering, scope));
}

/// <summary><c>value[start:stop:step]</c></summary>
internal sealed record SliceExpression(int Line, Expression Of, Expression? Start, Expression? Stop, Expression? Step) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope) =>
        Operations.Slice(rendering, Of.Evaluate(rendering, scope), Start?.Evaluate(rendering, scope), Stop?.Evaluate(rendering, scope), Step?.Evaluate(rendering, scope));
}

/// <param name="Named">Arguments by name.</param>
internal sealed record CallArguments(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named)
{
    public Arguments Evaluate(Rendering rendering, Scope scope) => Positional.Count == 0 && Named.Count == 0
        ? Arguments.None
        : new([.. Positional.Select(argument => argument.Evaluate(rendering, scope))], Named.ToDictionary(argument => argument.Name, argument => argument.Value.Evaluate(rendering, scope)));
}

internal sealed record CallExpression(int Line, Expression Function, CallArguments Arguments) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope) => Call(rendering, scope, Function.Evaluate(rendering, scope), Arguments.Evaluate(rendering, scope));

    public object? Call(Rendering rendering, Scope scope, object? function, Arguments arguments)
    {
        rendering.Line = Line;
        return function is Callable callable
            ? rendering.Nested(() => callable.Call(arguments))
            : throw rendering.Error(function is Undefined undefined ? $"{undefined.What} is not defined and cannot be called" : $"{PythonText.TypeOf(function)} cannot be called");
    }
}

internal sealed record FilterExpression(int Line, Expression? Of, string Name, CallArguments Arguments) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope) => Apply(rendering, scope, Of!.Evaluate(rendering, scope));

    public object? Apply(Rendering rendering, Scope scope, object? value)
    {
        Arguments arguments = Arguments.Evaluate(rendering, scope);
        rendering.Line = Line;
        return Filters.Apply(rendering, Name, value, arguments);
    }
}

internal sealed record TestExpression(int Line, Expression Of, string Name, bool Negated, IReadOnlyList<Expression> Operands) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope)
    {
        object? value = Of.Evaluate(rendering, scope);
        object?[] operands = [.. Operands.Select(operand => operand.Evaluate(rendering, scope))];
        rendering.Line = Line;
        return ValueTests.Holds(rendering, Name, value, operands) != Negated;
    }
}

internal sealed record ConditionalExpression(int Line, Expression Condition, Expression Then, Expression? Otherwise) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope) =>
        Condition.IsTrue(rendering, scope) ? Then.Evaluate(rendering, scope) : Otherwise is null ? new Undefined("the value of an 'if' without 'else'") : Otherwise.Evaluate(rendering, scope);
}

internal sealed record NotExpression(int Line, Expression Of) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope) => !Of.IsTrue(rendering, scope);
}

/// <summary><c>and</c> and <c>or</c>: one of the operands, as in Python.</summary>
internal sealed record LogicalExpression(int Line, bool And, Expression Left, Expression Right) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope)
    {
        object? left = Left.Evaluate(rendering, scope);
        return Operations.IsTrue(left) == And ? Right.Evaluate(rendering, scope) : left;
    }
}

/// <summary><c>a &lt; b == c</c>: each neighbouring pair, as in Python.</summary>
internal sealed record ComparisonExpression(int Line, Expression First, IReadOnlyList<(string Operator, Expression Operand)> Rest) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope)
    {
        object? left = First.Evaluate(rendering, scope);
        foreach ((string symbol, Expression operand) in Rest)
        {
            object? right = operand.Evaluate(rendering, scope);
            rendering.Line = Line;
            if (!Operations.Compare(rendering, symbol, left, right)) return false;
            left = right;
        }
        return true;
    }
}

internal sealed record BinaryExpression(int Line, string Operator, Expression Left, Expression Right) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope)
    {
        object? left = Left.Evaluate(rendering, scope), right = Right.Evaluate(rendering, scope);
        rendering.Line = Line;
        return Operations.Binary(rendering, Operator, left, right);
    }
}

internal sealed record NegativeExpression(int Line, Expression Of, bool Negative) : Expression(Line)
{
    protected override object? Value(Rendering rendering, Scope scope) => Of.Evaluate(rendering, scope) switch
    {
        long value => (object)(Negative ? unchecked(-value) : value),
        double value => Negative ? -value : value,
        bool value => Negative ? -(value ? 1L : 0L) : value ? 1L : 0L,
        var other => throw rendering.Error($"{PythonText.TypeOf(other)} has no sign"),
    };
}
