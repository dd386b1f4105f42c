using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Turns text into an <see cref="Expression"/>: a Pratt parser over the table of <see cref="ExpressionOperators"/>.</summary>
internal sealed class ExpressionParser
{
    /// <summary>Longest expression, in characters.</summary>
    public const int MaxLength = 4096;

    /// <summary>Deepest nesting, longest path in members, and longest chain of operators: what walks an expression may recurse.</summary>
    public const int MaxDepth = 64;

    private readonly ExpressionLexer _lexer;
    private readonly int _start;
    private Token _token;
    private int _depth;

    private ExpressionParser(string text, int start)
    {
        _lexer = new ExpressionLexer(text, start);
        _start = start;
        Advance();
    }

    /// <summary>Parses a whole text.</summary>
    /// <exception cref="ExpressionSyntaxException">It is no expression.</exception>
    public static Expression Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ExpressionParser parser = new(text, 0);
        Expression expression = parser.Operation(BindingPower.Lowest);
        return parser._token.Kind == TokenKind.End ? Finish(expression, text) : throw parser.Unexpected();
    }

    /// <summary>Parses a field that is an expression by nature (<c>when</c>, <c>items</c>, <c>by</c>…): bare, or with one <c>${…}</c> around the whole.</summary>
    /// <exception cref="ExpressionSyntaxException">It is no expression.</exception>
    public static Expression ParseBare(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string trimmed = text.Trim();
        return trimmed.StartsWith("${", StringComparison.Ordinal)
            ? Template.Parse(trimmed).Whole ?? throw new ExpressionSyntaxException("'${…}' must stand around the whole expression", 0)
            : Parse(trimmed);
    }

    /// <summary>Parses an expression that starts inside a text and ends before a <c>}</c>.</summary>
    /// <param name="text">The text around it.</param>
    /// <param name="start">Index of its first character.</param>
    /// <param name="end">Index behind the closing brace.</param>
    /// <exception cref="ExpressionSyntaxException">It is no expression, or the brace is missing.</exception>
    public static Expression ParseEmbedded(string text, int start, out int end)
    {
        ArgumentNullException.ThrowIfNull(text);
        ExpressionParser parser = new(text, start);
        Expression expression = parser.Operation(BindingPower.Lowest);
        if (parser._token.Kind == TokenKind.End)
        {
            throw new ExpressionSyntaxException("'${' has no closing '}'", start);
        }

        end = parser._token.Is("}") ? parser._token.End : throw parser.Unexpected();
        return Finish(expression, text);
    }

    private static Expression Finish(Expression root, string text)
    {
        // A chain such as a + b + … is a deep tree that the parser built without recursion. So the walk here must not recurse either.
        Stack<(Expression Node, int Depth)> open = new([(root, 1)]);
        while (open.TryPop(out (Expression Node, int Depth) next))
        {
            if (next.Depth > MaxDepth)
            {
                throw new ExpressionSyntaxException($"The expression is nested deeper than {MaxDepth}", next.Node.Position);
            }

            foreach (Expression child in next.Node.Children)
            {
                open.Push((child, next.Depth + 1));
            }
        }

        return root with { Source = text };
    }

    private Expression Operation(int power)
    {
        if (++_depth > MaxDepth)
        {
            throw new ExpressionSyntaxException($"The expression is nested deeper than {MaxDepth}", _token.Start);
        }

        Expression left = Operand();
        while (ExpressionOperators.Find(_token) is { } infix && infix.Power >= power)
        {
            left = Infix(left, infix);
        }

        _depth--;
        return left;
    }

    private Expression Infix(Expression left, InfixOperator infix)
    {
        Token sign = Advance();
        switch (infix.Form)
        {
            case InfixForm.Conditional:
                Expression whenTrue = Operation(BindingPower.Lowest);
                Expect(":", "':' and what holds otherwise");
                return new ConditionalExpression(left, whenTrue, Operation(infix.Power), sign.Start);
            case InfixForm.Coalesce:
                return new CoalesceExpression(left, Operation(infix.Power), sign.Start);
            case InfixForm.Member:
                Token name = _token.Kind == TokenKind.Name ? Advance() : throw Expected("a name after '.'");
                return new MemberExpression(left, name.Value, name.Start);
            case InfixForm.Index:
                Expression index = Operation(BindingPower.Lowest);
                Expect("]", "']'");
                return index is LiteralExpression { Value.ValueKind: JsonValueKind.String } member
                    ? new MemberExpression(left, member.Value.GetString()!, index.Position)
                    : new IndexExpression(left, index, index.Position);
            default:
                if (infix.Operator == BinaryOperator.NotIn)
                {
                    _ = _token.IsWord("in") ? Advance() : throw Expected("'in' after 'not'");
                }

                return Binary(infix.Operator, left, Operation(infix.Power + 1), sign.Start);
        }
    }

    private static BinaryExpression Binary(BinaryOperator binary, Expression left, Expression right, int position)
    {
        if (binary == BinaryOperator.Matches && right is LiteralExpression { Value.ValueKind: JsonValueKind.String } pattern
            && !ExpressionPatterns.TryGet(pattern.Value.GetString()!, out _, out string? problem))
        {
            throw new ExpressionSyntaxException(problem, pattern.Position);
        }

        return new BinaryExpression(binary, left, right, position);
    }

    private Expression Operand()
    {
        Token token = Advance();
        switch (token)
        {
            case { Kind: TokenKind.Number }:
                return new LiteralExpression(JsonElement.Parse(token.Value), token.Start);
            case { Kind: TokenKind.Text }:
                return new LiteralExpression(JsonValues.String(token.Value), token.Start);
            case { Kind: TokenKind.Name }:
                return Named(token);
            case { Value: "-" } when _token.Kind == TokenKind.Number:
                return new LiteralExpression(JsonElement.Parse("-" + Advance().Value), token.Start);
            case { Value: "-" }:
                return new UnaryExpression(UnaryOperator.Negate, Operation(BindingPower.Unary), token.Start);
            case { Value: "!" }:
                return new UnaryExpression(UnaryOperator.Not, Operation(BindingPower.Unary), token.Start);
            case { Value: "[" }:
                return new ArrayExpression(Sequence("]", () => Operation(BindingPower.Lowest)), token.Start);
            case { Value: "{" }:
                return Object(token);
            case { Value: "(" }:
                Expression inner = Operation(BindingPower.Lowest);
                Expect(")", "')'");
                return inner;
            default:
                throw token.Kind == TokenKind.End
                    ? new ExpressionSyntaxException("The expression ends too early", token.Start)
                    : new ExpressionSyntaxException($"Unexpected '{token.Value}'", token.Start);
        }
    }

    private Expression Named(Token name) => name.Value switch
    {
        "true" or "false" or "null" => new LiteralExpression(JsonElement.Parse(name.Value), name.Start),
        "not" => new UnaryExpression(UnaryOperator.Not, Operation(BindingPower.Unary), name.Start),
        _ when _token.Is("(") => Call(name),
        _ when ExpressionOperators.IsReserved(name.Value) => throw new ExpressionSyntaxException($"Unexpected '{name.Value}'", name.Start),
        _ => new NameExpression(name.Value, name.Start),
    };

    private Expression Call(Token name)
    {
        Advance();
        List<Expression> arguments = Sequence(")", () => Operation(BindingPower.Lowest));
        if (ExpressionOperators.FindCallable(name.Value) is { } binary)
        {
            return arguments.Count == 2
                ? Binary(binary, arguments[0], arguments[1], name.Start)
                : throw new ExpressionSyntaxException($"'{name.Value}' takes 2 arguments: {name.Value}(value, other)", name.Start);
        }

        if (ExpressionFunctions.Find(name.Value) is not { } function)
        {
            IReadOnlyList<string> nearest = NearestNames.Find(name.Value, ExpressionFunctions.All.Select(known => known.Name));
            string hint = nearest.Count == 0 ? "" : $" (nearest: {string.Join(", ", nearest)})";
            throw new ExpressionSyntaxException($"There is no function '{name.Value}'{hint}", name.Start);
        }

        return function.Takes(arguments.Count)
            ? new CallExpression(function.Name, arguments, name.Start)
            : throw new ExpressionSyntaxException($"'{function.Name}' takes {function.ArgumentCount}: {function.Signature}", name.Start);
    }

    private ObjectExpression Object(Token open)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        return new ObjectExpression(
            Sequence("}", () =>
            {
                Token name = _token.Kind is TokenKind.Name or TokenKind.Text ? Advance() : throw Expected("the name of a member");
                if (!names.Add(name.Value))
                {
                    throw new ExpressionSyntaxException($"The object has two members '{name.Value}'", name.Start);
                }

                Expect(":", "':' after the member's name");
                return KeyValuePair.Create(name.Value, Operation(BindingPower.Lowest));
            }),
            open.Start);
    }

    /// <summary>Parts with commas between them, up to and with the closing sign.</summary>
    private List<T> Sequence<T>(string close, Func<T> part)
    {
        List<T> parts = [];
        while (!_token.Is(close))
        {
            if (parts.Count > 0)
            {
                Expect(",", $"',' or '{close}'");
            }

            parts.Add(part());
        }

        Advance();
        return parts;
    }

    /// <summary>The token that was next; reads the one behind it.</summary>
    private Token Advance()
    {
        Token current = _token;
        _token = _lexer.Next();
        return _token.End - _start <= MaxLength
            ? current
            : throw new ExpressionSyntaxException($"The expression is longer than {MaxLength} characters", _start);
    }

    private void Expect(string sign, string what) => _ = _token.Is(sign) ? Advance() : throw Expected(what);

    private ExpressionSyntaxException Expected(string what) =>
        new(_token.Kind == TokenKind.End ? $"Expected {what}, but the expression ends" : $"Expected {what}, not '{_token.Value}'", _token.Start);

    private ExpressionSyntaxException Unexpected() => new($"Unexpected '{_token.Value}'", _token.Start);
}
