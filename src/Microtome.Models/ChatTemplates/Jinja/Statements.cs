namespace Microtome.Models.ChatTemplates;

/// <summary>How a statement ended.</summary>
internal enum Flow
{
    Next,
    Continue,
    Break,
}

/// <summary>A statement of a template.</summary>
internal abstract record Statement(int Line)
{
    public abstract Flow Run(Rendering rendering, Scope scope);

    public static Flow RunAll(IReadOnlyList<Statement> statements, Rendering rendering, Scope scope)
    {
        foreach (Statement statement in statements)
        {
            rendering.Step();
            rendering.Line = statement.Line;
            if (statement.Run(rendering, scope) is var flow and not Flow.Next) return flow;
        }
        return Flow.Next;
    }
}

internal sealed record DataStatement(int Line, string Text) : Statement(Line)
{
    public override Flow Run(Rendering rendering, Scope scope)
    {
        rendering.Write(Text);
        return Flow.Next;
    }
}

internal sealed record OutputStatement(int Line, Expression Value) : Statement(Line)
{
    public override Flow Run(Rendering rendering, Scope scope)
    {
        rendering.Write(PythonText.Of(Value.Evaluate(rendering, scope)));
        return Flow.Next;
    }
}

internal sealed record IfStatement(int Line, IReadOnlyList<(Expression? Condition, IReadOnlyList<Statement> Body)> Branches) : Statement(Line)
{
    public override Flow Run(Rendering rendering, Scope scope)
    {
        foreach ((Expression? condition, IReadOnlyList<Statement> body) in Branches)
            if (condition is null || condition.IsTrue(rendering, scope)) return RunAll(body, rendering, scope);
        return Flow.Next;
    }
}

/// <param name="Targets">One name, or several that each item is unpacked to.</param>
internal sealed record ForStatement(int Line, IReadOnlyList<string> Targets, Expression Items, Expression? Condition, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Otherwise) : Statement(Line)
{
    public override Flow Run(Rendering rendering, Scope scope)
    {
        List<object?> items = Operations.Iterate(rendering, Items.Evaluate(rendering, scope));
        if (Condition is not null)
        {
            items = items.FindAll(item =>
            {
                Scope tested = new(scope);
                Assign(rendering, tested, item);
                return Condition.IsTrue(rendering, tested);
            });
        }
        if (items.Count == 0) return RunAll(Otherwise, rendering, new Scope(scope));
        LoopState loop = new(items);
        for (; loop.Index < items.Count; loop.Index++)
        {
            rendering.Step();
            Scope inner = new(scope);
            inner.Set("loop", loop);
            Assign(rendering, inner, items[loop.Index]);
            if (RunAll(Body, rendering, inner) == Flow.Break) break;
        }
        return Flow.Next;
    }

    private void Assign(Rendering rendering, Scope scope, object? item) => SetStatement.Unpack(rendering, scope, Targets, item);
}

/// <summary>What <c>loop</c> stands for.</summary>
internal sealed class LoopState(List<object?> items)
{
    public int Index { get; set; }

    public object? Member(Rendering rendering, string name) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "revindex" => (long)items.Count - Index,
        "revindex0" => items.Count - Index - 1L,
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (long)items.Count,
        "previtem" => Index > 0 ? items[Index - 1] : new Undefined("'loop.previtem'"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new Undefined("'loop.nextitem'"),
        "cycle" => new Callable("cycle", arguments => arguments.Count > 0 ? arguments.Positional[Index % arguments.Count] : throw rendering.Error("'loop.cycle' needs values")),
        _ => throw rendering.Error($"'loop.{name}' is not supported"),
    };
}

/// <param name="Member">The member of a namespace that is set; null where names are.</param>
internal sealed record SetStatement(int Line, IReadOnlyList<string> Targets, string? Member, Expression Value) : Statement(Line)
{
    public override Flow Run(Rendering rendering, Scope scope)
    {
        Store(rendering, scope, Targets, Member, Value.Evaluate(rendering, scope));
        return Flow.Next;
    }

    public static void Store(Rendering rendering, Scope scope, IReadOnlyList<string> targets, string? member, object? value)
    {
        if (member is null) Unpack(rendering, scope, targets, value);
        else if (scope.Find(targets[0]) is Namespace space) space.Members[member] = value;
        else throw rendering.Error($"'{targets[0]}' is no namespace, so its member '{member}' cannot be set");
    }

    public static void Unpack(Rendering rendering, Scope scope, IReadOnlyList<string> targets, object? value)
    {
        if (targets.Count == 1)
        {
            scope.Set(targets[0], value);
            return;
        }
        List<object?> parts = Operations.Iterate(rendering, value);
        if (parts.Count != targets.Count) throw rendering.Error($"{parts.Count} values cannot be unpacked to {targets.Count} names");
        for (int i = 0; i < parts.Count; i++) scope.Set(targets[i], parts[i]);
    }
}

/// <summary><c>{% set name %}…{% endset %}</c>, perhaps with filters.</summary>
internal sealed record CaptureStatement(int Line, string Target, string? Member, IReadOnlyList<FilterExpression> Filters, IReadOnlyList<Statement> Body) : Statement(Line)
{
    public override Flow Run(Rendering rendering, Scope scope)
    {
        object? value = rendering.Capture(() => RunAll(Body, rendering, new Scope(scope)));
        foreach (FilterExpression filter in Filters) value = filter.Apply(rendering, scope, value);
        SetStatement.Store(rendering, scope, [Target], Member, value);
        return Flow.Next;
    }
}

/// <summary><c>{% filter … %}…{% endfilter %}</c></summary>
internal sealed record FilterStatement(int Line, IReadOnlyList<FilterExpression> Filters, IReadOnlyList<Statement> Body) : Statement(Line)
{
    public override Flow Run(Rendering rendering, Scope scope)
    {
        object? value = rendering.Capture(() => RunAll(Body, rendering, new Scope(scope)));
        foreach (FilterExpression filter in Filters) value = filter.Apply(rendering, scope, value);
        rendering.Write(PythonText.Of(value));
        return Flow.Next;
    }
}

/// <summary><c>{% with a = 1 %}…{% endwith %}</c>, and <c>{% generation %}…{% endgeneration %}</c>, which only marks what a model wrote.</summary>
internal sealed record WithStatement(int Line, IReadOnlyList<(string Name, Expression Value)> Names, IReadOnlyList<Statement> Body) : Statement(Line)
{
    public override Flow Run(Rendering rendering, Scope scope)
    {
        Scope inner = new(scope);
        foreach ((string name, Expression value) in Names) inner.Set(name, value.Evaluate(rendering, scope));
        return RunAll(Body, rendering, inner);
    }
}

internal sealed record MacroStatement(int Line, string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, IReadOnlyList<Statement> Body) : Statement(Line)
{
    public override Flow Run(Rendering rendering, Scope scope)
    {
        scope.Set(Name, Define(rendering, scope));
        return Flow.Next;
    }

    public Callable Define(Rendering rendering, Scope scope) => new(Name, arguments =>
    {
        Scope inner = new(scope);
        if (arguments.Count > Parameters.Count) throw rendering.Error($"the macro '{Name}' takes {Parameters.Count} arguments, not {arguments.Count}");
        for (int i = 0; i < Parameters.Count; i++)
        {
            (string name, Expression? otherwise) = Parameters[i];
            inner.Set(name, arguments.Get(i, name, otherwise is null ? new Undefined($"the argument '{name}'") : otherwise.Evaluate(rendering, inner)));
        }
        foreach ((string name, object? value) in arguments.Named)
        {
            if (name == "caller") inner.Set(name, value);
            else if (!Parameters.Any(parameter => parameter.Name == name)) throw rendering.Error($"the macro '{Name}' has no argument '{name}'");
        }
        return rendering.Made(rendering.Capture(() => RunAll(Body, rendering, inner)));
    });
}

/// <summary><c>{% call macro(…) %}…{% endcall %}</c>: the macro gets the body as <c>caller</c>.</summary>
internal sealed record CallStatement(int Line, CallExpression Call, MacroStatement Body) : Statement(Line)
{
    public override Flow Run(Rendering rendering, Scope scope)
    {
        Arguments arguments = Call.Arguments.Evaluate(rendering, scope);
        Dictionary<string, object?> named = new(arguments.Named) { ["caller"] = Body.Define(rendering, scope) };
        rendering.Write(PythonText.Of(Call.Call(rendering, scope, Call.Function.Evaluate(rendering, scope), new Arguments(arguments.Positional, named))));
        return Flow.Next;
    }
}

internal sealed record JumpStatement(int Line, Flow Flow) : Statement(Line)
{
    public override Flow Run(Rendering rendering, Scope scope) => Flow;
}
