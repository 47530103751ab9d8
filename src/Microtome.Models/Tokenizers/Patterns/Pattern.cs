namespace Microtome.Models.Tokenizers;

/// <summary>
/// A regular expression over the code points of UTF-16 text, matched by backtracking. A bound on the number of steps keeps
/// a hostile pattern from running for ever.
/// </summary>
internal sealed class Pattern : SplitPattern
{
    private const int LongestSource = 100_000;
    private const int LongestProgram = 50_000;
    private const long StepsPerUnit = 500;
    private const long FreeSteps = 1_000_000;

    private readonly List<Instruction> _code = [];
    private readonly Instruction[] _program;
    private readonly string _description;

    private enum Operation : byte { One, Repeat, RepeatLazily, RepeatPossessively, TryFirst, TrySecond, Jump, Ahead, NotAhead, Behind, NotBehind, Atomic, Anchor, Match }

    /// <param name="Operation">What to do.</param>
    /// <param name="Set">What a single code point must be in.</param>
    /// <param name="A">A target, a minimum count, a length or an anchor.</param>
    /// <param name="B">A maximum count, or where to go on after a nested match.</param>
    private readonly record struct Instruction(Operation Operation, CharacterSet? Set = null, int A = 0, int B = 0);

    /// <param name="source">Oniguruma's syntax.</param>
    /// <param name="place">Where it was found; errors begin with it.</param>
    /// <exception cref="InvalidDataException">The pattern is malformed or uses something unsupported.</exception>
    public Pattern(string source, string place)
    {
        string shown = source.Length > 200 ? source[..200] + "…" : source;
        _description = $"{place}: the pattern '{shown}'";
        if (source.Length > LongestSource) throw new InvalidDataException($"{_description} has {source.Length} characters; at most {LongestSource} are allowed.");
        try
        {
            Emit(PatternParser.Parse(source));
        }
        catch (FormatException error)
        {
            throw new InvalidDataException($"{_description} {error.Message}.", error);
        }
        Add(new Instruction(Operation.Match));
        _program = [.. _code];
        _code.Clear();
    }

    public override void Find(ReadOnlySpan<char> text, List<Section> sections)
    {
        Matcher matcher = new(this, text);
        int covered = 0, at = 0, lastEnd = -1;
        while (at <= text.Length)
        {
            int end = matcher.Match(at);
            if (end < 0 || (end == at && at == lastEnd))
            {
                if (at == text.Length) break;
                CharacterSet.Next(text, ref at);
                continue;
            }
            if (at > covered) sections.Add(new Section(covered, at, false));
            sections.Add(new Section(at, end, true));
            covered = at = lastEnd = end;
        }
        if (covered < text.Length) sections.Add(new Section(covered, text.Length, false));
    }

    private int Add(Instruction instruction)
    {
        if (_code.Count >= LongestProgram) throw new FormatException("has too many repeated parts");
        _code.Add(instruction);
        return _code.Count - 1;
    }

    private void Emit(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.One one:
                Add(new Instruction(Operation.One, one.Set));
                break;
            case PatternNode.Sequence sequence:
                foreach (PatternNode part in sequence.Parts) Emit(part);
                break;
            case PatternNode.Choice choice:
                EmitChoice(choice.Alternatives);
                break;
            case PatternNode.Repeat repeat:
                EmitRepeat(repeat);
                break;
            case PatternNode.Atomic atomic:
                EmitNested(Operation.Atomic, atomic.Body, 0);
                break;
            case PatternNode.Look look:
                Operation operation = (look.Behind, look.Negative) switch
                {
                    (false, false) => Operation.Ahead,
                    (false, true) => Operation.NotAhead,
                    (true, false) => Operation.Behind,
                    (true, true) => Operation.NotBehind,
                };
                EmitNested(operation, look.Body, look.Behind ? look.Body.FixedLength ?? 0 : 0);
                break;
            case PatternNode.Assertion assertion:
                Add(new Instruction(Operation.Anchor, A: (int)assertion.Anchor));
                break;
        }
    }

    private void EmitChoice(PatternNode[] alternatives)
    {
        List<int> exits = [];
        for (int i = 0; i < alternatives.Length; i++)
        {
            bool last = i == alternatives.Length - 1;
            int attempt = last ? -1 : Add(default);
            Emit(alternatives[i]);
            if (last) break;
            exits.Add(Add(default));
            _code[attempt] = new Instruction(Operation.TryFirst, A: _code.Count);
        }
        foreach (int exit in exits) _code[exit] = new Instruction(Operation.Jump, A: _code.Count);
    }

    private void EmitRepeat(PatternNode.Repeat repeat)
    {
        if (repeat.Body is PatternNode.One one)
        {
            Operation operation = repeat.Greed switch { Greed.Greedy => Operation.Repeat, Greed.Lazy => Operation.RepeatLazily, _ => Operation.RepeatPossessively };
            Add(new Instruction(operation, one.Set, repeat.Minimum, repeat.Maximum));
            return;
        }
        if (repeat.Greed == Greed.Possessive)
        {
            EmitNested(Operation.Atomic, repeat with { Greed = Greed.Greedy }, 0);
            return;
        }
        Operation attempt = repeat.Greed == Greed.Lazy ? Operation.TrySecond : Operation.TryFirst;
        for (int i = 0; i < repeat.Minimum; i++) Emit(repeat.Body);
        if (repeat.Maximum == int.MaxValue)
        {
            int loop = Add(default);
            Emit(repeat.Body);
            Add(new Instruction(Operation.Jump, A: loop));
            _code[loop] = new Instruction(attempt, A: _code.Count);
            return;
        }
        List<int> attempts = [];
        for (int i = repeat.Minimum; i < repeat.Maximum; i++)
        {
            attempts.Add(Add(default));
            Emit(repeat.Body);
        }
        foreach (int index in attempts) _code[index] = new Instruction(attempt, A: _code.Count);
    }

    private void EmitNested(Operation operation, PatternNode body, int length)
    {
        int start = Add(default);
        Emit(body);
        Add(new Instruction(Operation.Match));
        _code[start] = new Instruction(operation, A: length, B: _code.Count);
    }

    /// <summary>The state of matching one text: the untried alternatives, and the steps that are left.</summary>
    private ref struct Matcher(Pattern pattern, ReadOnlySpan<char> text)
    {
        private readonly Instruction[] _program = pattern._program;
        private readonly ReadOnlySpan<char> _text = text;
        private Untried[] _untried = new Untried[32];
        private int _count;
        private long _steps = FreeSteps + StepsPerUnit * text.Length;

        /// <summary>Where to resume: at <c>Position</c>, or for a greedy loop at any code point from there down to <c>Floor</c>;
        /// for a lazy loop (<c>Set</c> given) one code point further on, <c>Left</c> times at most.</summary>
        private record struct Untried(int Instruction, int Position, int Floor, CharacterSet? Set, int Left);

        /// <summary>The end of the match that starts at <paramref name="position"/>; -1 when there is none.</summary>
        public int Match(int position) => Run(0, position);

        private int Run(int instruction, int position)
        {
            int bottom = _count;
            while (true)
            {
                if (--_steps < 0) throw new InvalidDataException($"{pattern._description} takes more than {FreeSteps} steps and {StepsPerUnit} for each character of a text of {_text.Length}.");
                ref readonly Instruction step = ref _program[instruction];
                bool matched = true;
                switch (step.Operation)
                {
                    case Operation.One:
                        matched = position < _text.Length && step.Set!.Contains(CharacterSet.Next(_text, ref position));
                        instruction++;
                        break;
                    case Operation.Repeat:
                    case Operation.RepeatPossessively:
                        matched = Repeat(in step, ref position, out int floor);
                        instruction++;
                        if (matched && position > floor && step.Operation == Operation.Repeat) Push(new Untried(instruction, position, floor, null, 0));
                        break;
                    case Operation.RepeatLazily:
                        for (int i = 0; matched && i < step.A; i++)
                            matched = position < _text.Length && step.Set!.Contains(CharacterSet.Next(_text, ref position));
                        instruction++;
                        if (matched && step.B > step.A) Push(new Untried(instruction, position, position, step.Set, step.B == int.MaxValue ? int.MaxValue : step.B - step.A));
                        break;
                    case Operation.TryFirst:
                        Push(new Untried(step.A, position, position, null, 0));
                        instruction++;
                        break;
                    case Operation.TrySecond:
                        Push(new Untried(instruction + 1, position, position, null, 0));
                        instruction = step.A;
                        break;
                    case Operation.Jump:
                        instruction = step.A;
                        break;
                    case Operation.Atomic:
                        position = Run(instruction + 1, position);
                        matched = position >= 0;
                        instruction = step.B;
                        break;
                    case Operation.Ahead:
                    case Operation.NotAhead:
                        matched = Run(instruction + 1, position) >= 0 == (step.Operation == Operation.Ahead);
                        instruction = step.B;
                        break;
                    case Operation.Behind:
                    case Operation.NotBehind:
                        matched = MatchesBehind(instruction + 1, position, step.A) == (step.Operation == Operation.Behind);
                        instruction = step.B;
                        break;
                    case Operation.Anchor:
                        matched = Holds((Anchor)step.A, position);
                        instruction++;
                        break;
                    case Operation.Match:
                        _count = bottom;
                        return position;
                }
                if (!matched && !TryResume(bottom, out instruction, out position)) return -1;
            }
        }

        private bool Repeat(in Instruction step, ref int position, out int floor)
        {
            CharacterSet set = step.Set!;
            int count = 0, at = position;
            floor = position;
            while (count < step.B && at < _text.Length)
            {
                int next = at;
                if (!set.Contains(CharacterSet.Next(_text, ref next))) break;
                at = next;
                if (++count == step.A) floor = at;
            }
            _steps -= count;
            position = at;
            return count >= step.A;
        }

        private bool TryResume(int bottom, out int instruction, out int position)
        {
            while (_count > bottom)
            {
                ref Untried untried = ref _untried[_count - 1];
                instruction = untried.Instruction;
                position = untried.Position;
                if (untried.Set is CharacterSet set)
                {
                    if (position >= _text.Length || !set.Contains(CharacterSet.Next(_text, ref position)))
                    {
                        _count--;
                        continue;
                    }
                    untried.Position = position;
                    if (untried.Left != int.MaxValue && --untried.Left == 0) _count--;
                    return true;
                }
                if (position > untried.Floor)
                {
                    position = CharacterSet.Previous(_text, position);
                    untried.Position = position;
                    if (position <= untried.Floor) _count--;
                    return true;
                }
                _count--;
                return true;
            }
            instruction = position = 0;
            return false;
        }

        private void Push(Untried untried)
        {
            if (_count == _untried.Length) Array.Resize(ref _untried, _count * 2);
            _untried[_count++] = untried;
        }

        private bool MatchesBehind(int instruction, int position, int length)
        {
            int start = position;
            for (int i = 0; i < length; i++)
            {
                if (start == 0) return false;
                start = CharacterSet.Previous(_text, start);
            }
            return Run(instruction, start) >= 0;
        }

        private readonly bool Holds(Anchor anchor, int position) => anchor switch
        {
            Anchor.TextStart => position == 0,
            Anchor.TextEnd => position == _text.Length,
            Anchor.TextEndOrLastNewline => position == _text.Length || (position == _text.Length - 1 && _text[position] == '\n'),
            Anchor.LineStart => position == 0 || (_text[position - 1] == '\n' && position < _text.Length),
            Anchor.LineEnd => position == _text.Length || _text[position] == '\n',
            Anchor.WordBoundary => IsWord(position) != IsWordBefore(position),
            _ => IsWord(position) == IsWordBefore(position),
        };

        private readonly bool IsWord(int position) => position < _text.Length && CharacterSet.Word.Contains(CharacterSet.Next(_text, ref position));

        private readonly bool IsWordBefore(int position) => position > 0 && IsWord(CharacterSet.Previous(_text, position));
    }
}
