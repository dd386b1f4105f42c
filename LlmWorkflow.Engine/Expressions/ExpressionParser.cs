using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>
/// Turns text into an <see cref="Expression"/>: paths (<c>input.a.b[0]['x']</c>), constants and <c>??</c>.
/// </summary>
internal sealed class ExpressionParser
{
    /// <summary>Longest expression, in characters.</summary>
    public const int MaxLength = 4096;

    /// <summary>Deepest nesting, and longest path in members.</summary>
    public const int MaxDepth = 64;

    private readonly ExpressionLexer _lexer;
    private readonly int _start;
    private Token _token;
    private int _depth;

    private ExpressionParser(string text, int start)
    {
        _lexer = new ExpressionLexer(text, start);
        _start = start;
        _token = _lexer.Next();
    }

    /// <summary>Parses a whole text.</summary>
    /// <exception cref="ExpressionSyntaxException">It is no expression.</exception>
    public static Expression Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ExpressionParser parser = new(text, 0);
        Expression expression = parser.Coalesce();
        return parser._token.Kind == TokenKind.End ? expression : throw parser.Unexpected();
    }

    /// <summary>Parses a field that is an expression by nature (<c>when</c>, <c>items</c>, <c>by</c>…): bare, or with one <c>${…}</c> around the whole.</summary>
    /// <exception cref="ExpressionSyntaxException">It is no expression.</exception>
    public static Expression ParseBare(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string trimmed = text.Trim();
        return trimmed.StartsWith("${", StringComparison.Ordinal)
            ? Template.Parse(trimmed).Whole ?? throw new ExpressionSyntaxException("'${…}' must stand around the whole expression", 0)
            : Parse(text);
    }

    /// <summary>Parses an expression that starts inside a text and ends before a <c>}</c>.</summary>
    /// <param name="text">The text around it.</param>
    /// <param name="start">Index of its first character.</param>
    /// <param name="end">Index behind the closing brace.</param>
    /// <exception cref="ExpressionSyntaxException">It is no expression, or the brace is missing.</exception>
    public static Expression ParseEmbedded(string text, int start, out int end)
    {
        ExpressionParser parser = new(text, start);
        Expression expression = parser.Coalesce();
        if (parser._token.Kind == TokenKind.End)
        {
            throw new ExpressionSyntaxException("'${' has no closing '}'", start);
        }

        end = parser._token.Kind == TokenKind.CloseBrace ? parser._token.End : throw parser.Unexpected();
        return expression;
    }

    private Expression Coalesce()
    {
        Enter();
        Expression left = Postfix();
        if (_token.Kind == TokenKind.Coalesce)
        {
            Advance();
            left = new CoalesceExpression(left, Coalesce(), left.Position);
        }

        _depth--;
        return left;
    }

    private Expression Postfix()
    {
        Expression target = Primary();
        for (int length = 0; ; length++)
        {
            if (length > MaxDepth)
            {
                throw new ExpressionSyntaxException($"The path is longer than {MaxDepth} members", _token.Start);
            }

            if (_token.Kind == TokenKind.Dot)
            {
                Advance();
                Token name = Expect(TokenKind.Name, "a name after '.'");
                target = new MemberExpression(target, name.Value, name.Start);
            }
            else if (_token.Kind == TokenKind.OpenBracket)
            {
                Advance();
                Expression index = Coalesce();
                Expect(TokenKind.CloseBracket, "']'");
                target = index is LiteralExpression { Value.ValueKind: JsonValueKind.String } name
                    ? new MemberExpression(target, name.Value.GetString()!, index.Position)
                    : new IndexExpression(target, index, index.Position);
            }
            else
            {
                return target;
            }
        }
    }

    private Expression Primary()
    {
        Token token = _token;
        switch (token.Kind)
        {
            case TokenKind.Name:
                Advance();
                return token.Value switch
                {
                    "true" or "false" or "null" => new LiteralExpression(JsonElement.Parse(token.Value), token.Start),
                    _ => new NameExpression(token.Value, token.Start),
                };
            case TokenKind.Number:
                Advance();
                return new LiteralExpression(JsonElement.Parse(token.Value), token.Start);
            case TokenKind.Text:
                Advance();
                return new LiteralExpression(JsonValues.String(token.Value), token.Start);
            case TokenKind.OpenBracket:
                Advance();
                return EmptyLiteral(TokenKind.CloseBracket, JsonValues.EmptyArray, token);
            case TokenKind.OpenBrace:
                Advance();
                return EmptyLiteral(TokenKind.CloseBrace, JsonValues.EmptyObject, token);
            case TokenKind.OpenParenthesis:
                Advance();
                Expression inner = Coalesce();
                Expect(TokenKind.CloseParenthesis, "')'");
                return inner;
            default:
                throw token.Kind == TokenKind.End ? new ExpressionSyntaxException("The expression ends too early", token.Start) : Unexpected();
        }
    }

    private LiteralExpression EmptyLiteral(TokenKind close, JsonElement value, Token open)
    {
        Expect(close, close == TokenKind.CloseBracket ? "']' (only the empty list can be written)" : "'}' (only the empty object can be written)");
        return new LiteralExpression(value, open.Start);
    }

    private void Enter()
    {
        if (++_depth > MaxDepth)
        {
            throw new ExpressionSyntaxException($"The expression is nested deeper than {MaxDepth}", _token.Start);
        }
    }

    private void Advance()
    {
        _token = _lexer.Next();
        if (_token.End - _start > MaxLength)
        {
            throw new ExpressionSyntaxException($"The expression is longer than {MaxLength} characters", _start);
        }
    }

    private Token Expect(TokenKind kind, string what)
    {
        Token token = _token;
        if (token.Kind != kind)
        {
            throw new ExpressionSyntaxException(token.Kind == TokenKind.End ? $"Expected {what}, but the expression ends" : $"Expected {what}, not '{token.Value}'", token.Start);
        }

        Advance();
        return token;
    }

    private ExpressionSyntaxException Unexpected() => new($"Unexpected '{_token.Value}'", _token.Start);
}
