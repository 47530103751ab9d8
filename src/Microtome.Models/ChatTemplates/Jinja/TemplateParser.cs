namespace Microtome.Models.ChatTemplates;

/// <summary>Reads a template's statements.</summary>
internal sealed class TemplateParser : ExpressionParser
{
    private int _loops;

    private TemplateParser(List<TemplateToken> tokens) : base(tokens)
    {
    }

    /// <exception cref="TemplateException">The template is damaged or uses what is not supported.</exception>
    public static IReadOnlyList<Statement> Parse(string source)
    {
        TemplateParser parser = new(TemplateLexer.Read(source));
        List<Statement> statements = parser.Body(line: 1);
        return statements;
    }

    /// <summary>Statements up to a block that begins with one of some names, which is not taken; to the template's end where there are none.</summary>
    private List<Statement> Body(int line, params string[] ends) => Nested(() =>
    {
        List<Statement> statements = [];
        while (true)
        {
            TemplateToken token = Next;
            switch (token.Kind)
            {
                case TokenKind.End when ends.Length == 0: return statements;
                case TokenKind.End: throw new TemplateException(line, $"the block is not closed with '{{% {ends[^1]} %}}'");
                case TokenKind.Data:
                    Take();
                    statements.Add(new DataStatement(token.Line, token.Value));
                    break;
                case TokenKind.OutputBegin:
                    Take();
                    statements.Add(new OutputStatement(token.Line, ExpressionOrList()));
                    if (Next.Kind != TokenKind.OutputEnd) throw Error($"'}}}}' is expected, not {Next}");
                    Take();
                    break;
                default:
                    if (ends.Contains(Ahead(1).Value)) return statements;
                    Take();
                    statements.Add(Block(token.Line));
                    break;
            }
        }
    });

    private Statement Block(int line)
    {
        string name = Name();
        switch (name)
        {
            case "if": return If(line);
            case "for": return For(line);
            case "set": return Set(line);
            case "macro": return Macro(line);
            case "call": return Call(line);
            case "with": return With(line);
            case "filter":
                List<FilterExpression> filters = [FilterName(null, line), .. FurtherFilters()];
                EndTag();
                return new FilterStatement(line, filters, Closed(line, "endfilter"));
            case "generation":
                EndTag();
                return new WithStatement(line, [], Closed(line, "endgeneration"));
            case "break" or "continue":
                if (_loops == 0) throw new TemplateException(line, $"'{name}' stands outside a loop");
                EndTag();
                return new JumpStatement(line, name == "break" ? Flow.Break : Flow.Continue);
            case "else" or "elif" or "endif" or "endfor" or "endset" or "endmacro" or "endcall" or "endwith" or "endfilter" or "endgeneration":
                throw new TemplateException(line, $"'{name}' closes nothing");
            default:
                throw new TemplateException(line, $"the statement '{name}' is not supported; if, for, set, macro, call, with, filter, generation, raw, break and continue are");
        }
    }

    private IfStatement If(int line)
    {
        List<(Expression?, IReadOnlyList<Statement>)> branches = [];
        Expression? condition = ExpressionOrList();
        while (true)
        {
            EndTag();
            branches.Add((condition, Body(line, "elif", "else", "endif")));
            Take();
            string next = Name();
            if (next == "elif") condition = ExpressionOrList();
            else if (next == "else")
            {
                EndTag();
                branches.Add((null, Closed(line, "endif")));
                return new IfStatement(line, branches);
            }
            else
            {
                EndTag();
                return new IfStatement(line, branches);
            }
        }
    }

    private ForStatement For(int line)
    {
        IReadOnlyList<string> targets = Targets();
        Expect("in");
        Expression items = ExpressionOrList(condition: false);
        Expression? condition = Skip("if") ? Expression() : null;
        if (Next.Is("recursive")) throw new TemplateException(line, "recursive loops are not supported");
        EndTag();
        _loops++;
        List<Statement> body = Body(line, "else", "endfor");
        _loops--;
        Take();
        List<Statement> otherwise = [];
        if (Name() == "else")
        {
            EndTag();
            otherwise = Closed(line, "endfor");
        }
        else EndTag();
        return new ForStatement(line, targets, items, condition, body, otherwise);
    }

    private Statement Set(int line)
    {
        IReadOnlyList<string> targets = Targets();
        string? member = targets.Count == 1 && Skip(".") ? Name() : null;
        if (Skip("="))
        {
            Expression value = ExpressionOrList();
            EndTag();
            return new SetStatement(line, targets, member, value);
        }
        if (targets.Count > 1) throw Error($"'=' is expected, not {Next}");
        List<FilterExpression> filters = FurtherFilters();
        EndTag();
        return new CaptureStatement(line, targets[0], member, filters, Closed(line, "endset"));
    }

    private MacroStatement Macro(int line)
    {
        string name = Name();
        IReadOnlyList<(string, Expression?)> parameters = Parameters();
        EndTag();
        return new MacroStatement(line, name, parameters, OutsideLoops(line, "endmacro"));
    }

    private CallStatement Call(int line)
    {
        IReadOnlyList<(string, Expression?)> parameters = Next.Is("(") ? Parameters() : [];
        if (Expression() is not CallExpression call) throw new TemplateException(line, "'call' needs a macro with its arguments");
        EndTag();
        return new CallStatement(line, call, new MacroStatement(line, "caller", parameters, OutsideLoops(line, "endcall")));
    }

    private WithStatement With(int line)
    {
        List<(string, Expression)> names = [];
        while (Next.Kind != TokenKind.BlockEnd)
        {
            if (names.Count > 0) Expect(",");
            string name = Name();
            Expect("=");
            names.Add((name, Expression()));
        }
        EndTag();
        return new WithStatement(line, names, Closed(line, "endwith"));
    }

    private List<(string Name, Expression? Default)> Parameters()
    {
        Expect("(");
        List<(string, Expression?)> parameters = [];
        while (!Skip(")"))
        {
            string name = Name();
            parameters.Add((name, Skip("=") ? Expression() : null));
            if (!Next.Is(")")) Expect(",");
        }
        return parameters;
    }

    private List<FilterExpression> FurtherFilters()
    {
        List<FilterExpression> filters = [];
        while (Next.Is("|")) filters.Add(Filter(null));
        return filters;
    }

    private List<string> Targets()
    {
        bool parentheses = Skip("(");
        List<string> names = [Name()];
        while (Skip(",")) names.Add(Name());
        if (parentheses) Expect(")");
        return names;
    }

    /// <summary>A body and the tag that closes it.</summary>
    private List<Statement> Closed(int line, string end)
    {
        List<Statement> body = Body(line, end);
        Take();
        Name();
        if (end == "endmacro" && Next.Kind == TokenKind.Name) Take(); // its name may be repeated
        EndTag();
        return body;
    }

    private List<Statement> OutsideLoops(int line, string end)
    {
        int loops = _loops;
        _loops = 0;
        List<Statement> body = Closed(line, end);
        _loops = loops;
        return body;
    }

    private void EndTag()
    {
        if (Next.Kind != TokenKind.BlockEnd) throw Error($"'%}}' is expected, not {Next}");
        Take();
    }
}
