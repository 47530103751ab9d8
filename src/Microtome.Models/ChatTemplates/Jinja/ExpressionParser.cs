using System.Globalization;

namespace Microtome.Models.ChatTemplates;

/// <summary>Reads expressions with Jinja's precedence: <c>if</c>, <c>or</c>, <c>and</c>, <c>not</c>, comparisons, <c>+ -</c>, <c>~</c>, <c>* / // %</c>, <c>**</c>, signs, filters and tests.</summary>
internal class ExpressionParser(List<TemplateToken> tokens)
{
    private const int DeepestNesting = 120;
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];
    private int _at, _depth;

    protected TemplateToken Next => tokens[_at];

    protected TemplateToken Take() => Next.Kind == TokenKind.End ? throw Error("the template ends too early") : tokens[_at++];

    protected bool Skip(string symbol)
    {
        if (!Next.Is(symbol)) return false;
        _at++;
        return true;
    }

    protected void Expect(string symbol)
    {
        if (!Skip(symbol)) throw Error($"'{symbol}' is expected, not {Next}");
    }

    protected string Name() => Next.Kind == TokenKind.Name ? Take().Value : throw Error($"a name is expected, not {Next}");

    protected TemplateException Error(string message) => new(Next.Line, message);

    protected TemplateToken Ahead(int count) => tokens[Math.Min(_at + count, tokens.Count - 1)];

    protected T Nested<T>(Func<T> parse)
    {
        if (++_depth > DeepestNesting) throw Error($"the template is nested more than {DeepestNesting} deep");
        T result = parse();
        _depth--;
        return result;
    }

    /// <param name="condition">Whether <c>a if b</c> is read; not where <c>if</c> belongs to the statement.</param>
    protected Expression Expression(bool condition = true) => Nested(() =>
    {
        Expression value = Or();
        while (condition && Next.Is("if"))
        {
            int line = Take().Line;
            Expression test = Or();
            value = new ConditionalExpression(line, test, value, Skip("else") ? Expression() : null);
        }
        return value;
    });

    /// <summary>An expression, or several separated by commas, which make a list.</summary>
    protected Expression ExpressionOrList(bool condition = true)
    {
        int line = Next.Line;
        Expression first = Expression(condition);
        if (!Next.Is(",")) return first;
        List<Expression> items = [first];
        while (Skip(",") && Next.Kind is not (TokenKind.BlockEnd or TokenKind.OutputEnd)) items.Add(Expression(condition));
        return new ListExpression(line, items);
    }

    private Expression Or()
    {
        Expression left = And();
        while (Next.Is("or")) left = new LogicalExpression(Take().Line, false, left, And());
        return left;
    }

    private Expression And()
    {
        Expression left = Not();
        while (Next.Is("and")) left = new LogicalExpression(Take().Line, true, left, Not());
        return left;
    }

    private Expression Not() => Next.Is("not") && !Ahead(1).Is("in") ? Nested<Expression>(() => new NotExpression(Take().Line, Not())) : Comparison();

    private Expression Comparison()
    {
        int line = Next.Line;
        Expression first = Sum();
        List<(string, Expression)> rest = [];
        while (true)
        {
            if (Next.Kind == TokenKind.Operator && Comparisons.Contains(Next.Value)) rest.Add((Take().Value, Sum()));
            else if (Skip("in")) rest.Add(("in", Sum()));
            else if (Next.Is("not") && Ahead(1).Is("in"))
            {
                Take();
                Take();
                rest.Add(("not in", Sum()));
            }
            else return rest.Count == 0 ? first : new ComparisonExpression(line, first, rest);
        }
    }

    private Expression Sum()
    {
        Expression left = Joined();
        while (Next.Is("+") || Next.Is("-")) left = Binary(left, Joined);
        return left;
    }

    private Expression Joined()
    {
        Expression left = Product();
        while (Next.Is("~")) left = Binary(left, Product);
        return left;
    }

    private Expression Product()
    {
        Expression left = Power();
        while (Next.Is("*") || Next.Is("/") || Next.Is("//") || Next.Is("%")) left = Binary(left, Power);
        return left;
    }

    private Expression Power()
    {
        Expression left = Signed();
        while (Next.Is("**")) left = Binary(left, () => Signed());
        return left;
    }

    private BinaryExpression Binary(Expression left, Func<Expression> right)
    {
        TemplateToken symbol = Take();
        return new BinaryExpression(symbol.Line, symbol.Value, left, right());
    }

    private Expression Signed(bool withFilters = true) => Nested(() =>
    {
        Expression value;
        if (Next.Kind == TokenKind.Operator && Next.Value is "-" or "+")
        {
            TemplateToken sign = Take();
            value = new NegativeExpression(sign.Line, Signed(withFilters: false), sign.Value == "-");
        }
        else value = Postfix(Primary());
        return withFilters ? WithFilters(value) : value;
    });

    private Expression Primary()
    {
        TemplateToken token = Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return token.Value switch
                {
                    "true" or "True" => new Literal(token.Line, true),
                    "false" or "False" => new Literal(token.Line, false),
                    "none" or "None" => new Literal(token.Line, null),
                    _ => new NameExpression(token.Line, token.Value),
                };
            case TokenKind.Integer: return new Literal(token.Line, long.Parse(token.Value, CultureInfo.InvariantCulture));
            case TokenKind.Float: return new Literal(token.Line, double.Parse(token.Value, CultureInfo.InvariantCulture));
            case TokenKind.Text:
                string text = token.Value;
                while (Next.Kind == TokenKind.Text) text += Take().Value; // neighbours are joined
                return new Literal(token.Line, text);
            case TokenKind.Operator when token.Value == "(": return Parentheses(token.Line);
            case TokenKind.Operator when token.Value == "[": return new ListExpression(token.Line, Items("]"));
            case TokenKind.Operator when token.Value == "{": return Dictionary(token.Line);
            default: throw new TemplateException(token.Line, $"a value is expected, not {token}");
        }
    }

    private Expression Parentheses(int line)
    {
        if (Skip(")")) return new ListExpression(line, []);
        Expression first = Expression();
        if (Skip(")")) return first;
        Expect(",");
        return new ListExpression(line, [first, .. Items(")")]);
    }

    private List<Expression> Items(string close)
    {
        List<Expression> items = [];
        while (!Skip(close))
        {
            items.Add(Expression());
            if (!Next.Is(close)) Expect(",");
        }
        return items;
    }

    private MapExpression Dictionary(int line)
    {
        List<(Expression, Expression)> entries = [];
        while (!Skip("}"))
        {
            Expression key = Expression();
            Expect(":");
            entries.Add((key, Expression()));
            if (!Next.Is("}")) Expect(",");
        }
        return new MapExpression(line, entries);
    }

    private Expression Postfix(Expression value)
    {
        while (true)
        {
            int line = Next.Line;
            if (Skip("."))
            {
                if (Next.Kind == TokenKind.Integer) value = new IndexExpression(line, value, new Literal(line, long.Parse(Take().Value, CultureInfo.InvariantCulture)));
                else value = new MemberExpression(line, value, Name());
            }
            else if (Skip("[")) value = Subscript(line, value);
            else if (Next.Is("(")) value = new CallExpression(line, value, CallArguments());
            else return value;
        }
    }

    private Expression Subscript(int line, Expression value)
    {
        Expression? start = Next.Is(":") ? null : Expression(), stop = null, step = null;
        if (Skip("]")) return new IndexExpression(line, value, start!);
        Expect(":");
        if (!Next.Is("]") && !Next.Is(":")) stop = Expression();
        if (Skip(":") && !Next.Is("]")) step = Expression();
        Expect("]");
        return new SliceExpression(line, value, start, stop, step);
    }

    protected CallArguments CallArguments()
    {
        Expect("(");
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        while (!Skip(")"))
        {
            if (Next.Is("*") || Next.Is("**")) throw Error("arguments with '*' are not supported");
            if (Next.Kind == TokenKind.Name && Ahead(1).Is("="))
            {
                string name = Name();
                Expect("=");
                if (named.Exists(argument => argument.Item1 == name)) throw Error($"the argument '{name}' is given twice");
                named.Add((name, Expression()));
            }
            else if (named.Count > 0) throw Error("an argument without a name follows one with a name");
            else positional.Add(Expression());
            if (!Next.Is(")")) Expect(",");
        }
        return new CallArguments(positional, named);
    }

    private Expression WithFilters(Expression value)
    {
        while (true)
        {
            if (Next.Is("|")) value = Filter(value);
            else if (Next.Is("is")) value = Test(value);
            else if (Next.Is("(")) value = new CallExpression(Next.Line, value, CallArguments());
            else return value;
        }
    }

    /// <param name="value">Null for a filter of a block.</param>
    protected FilterExpression Filter(Expression? value)
    {
        int line = Next.Line;
        Expect("|");
        return FilterName(value, line);
    }

    protected FilterExpression FilterName(Expression? value, int line)
    {
        string name = Name();
        CallArguments arguments = Next.Is("(") ? CallArguments() : new CallArguments([], []);
        return Filters.Exists(name) ? new FilterExpression(line, value, name, arguments) : throw new TemplateException(line, $"the filter '{name}' is not supported; {Filters.Names} are");
    }

    private TestExpression Test(Expression value)
    {
        int line = Take().Line;
        bool negated = Skip("not");
        string name = Name();
        if (!ValueTests.Exists(name)) throw new TemplateException(line, $"the test '{name}' is not supported; {ValueTests.Names} are");
        IReadOnlyList<Expression> operands = [];
        if (Next.Is("(")) operands = CallArguments().Positional;
        else if (Next.Kind is TokenKind.Integer or TokenKind.Float or TokenKind.Text
            || (Next.Kind == TokenKind.Name && Next.Value is not ("else" or "or" or "and" or "is" or "if" or "not" or "in"))
            || Next.Is("[") || Next.Is("{"))
            operands = [Postfix(Primary())];
        return new TestExpression(line, value, name, negated, operands);
    }
}
