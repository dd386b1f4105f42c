using System.Globalization;
using System.Text;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Kinds of <see cref="Token"/>.</summary>
internal enum TokenKind
{
    End,
    Name,
    Number,
    Text,
    Dot,
    Comma,
    OpenBracket,
    CloseBracket,
    OpenParenthesis,
    CloseParenthesis,
    OpenBrace,
    CloseBrace,
    Coalesce,
}

/// <summary>A word of an expression.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">Index of its first character.</param>
/// <param name="End">Index behind its last character.</param>
/// <param name="Value">The name, the number as written, or the string without quotes and escapes.</param>
internal readonly record struct Token(TokenKind Kind, int Start, int End, string Value);

/// <summary>Cuts an expression into tokens, from a position on and only as far as asked.</summary>
internal sealed class ExpressionLexer(string text, int start)
{
    private int _at = start;

    public Token Next()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
        {
            _at++;
        }

        if (_at >= text.Length)
        {
            return new Token(TokenKind.End, text.Length, text.Length, "");
        }

        char first = text[_at];
        return first switch
        {
            '.' => Sign(TokenKind.Dot, 1),
            ',' => Sign(TokenKind.Comma, 1),
            '[' => Sign(TokenKind.OpenBracket, 1),
            ']' => Sign(TokenKind.CloseBracket, 1),
            '(' => Sign(TokenKind.OpenParenthesis, 1),
            ')' => Sign(TokenKind.CloseParenthesis, 1),
            '{' => Sign(TokenKind.OpenBrace, 1),
            '}' => Sign(TokenKind.CloseBrace, 1),
            '?' when Peek(1) == '?' => Sign(TokenKind.Coalesce, 2),
            '\'' or '"' => Quoted(first),
            '-' when char.IsAsciiDigit(Peek(1)) => Number(),
            _ when char.IsAsciiDigit(first) => Number(),
            _ when first == '_' || char.IsLetter(first) => Name(),
            _ => throw new ExpressionSyntaxException($"Unexpected '{first}'", _at),
        };
    }

    private char Peek(int ahead) => _at + ahead < text.Length ? text[_at + ahead] : '\0';

    private Token Sign(TokenKind kind, int length)
    {
        _at += length;
        return new Token(kind, _at - length, _at, text[(_at - length).._at]);
    }

    private Token Name()
    {
        int from = _at;
        while (_at < text.Length && (text[_at] == '_' || char.IsLetterOrDigit(text[_at])))
        {
            _at++;
        }

        return new Token(TokenKind.Name, from, _at, text[from.._at]);
    }

    private Token Number()
    {
        int from = _at;
        _at++;
        Digits();
        if (Peek(0) == '.' && char.IsAsciiDigit(Peek(1)))
        {
            _at++;
            Digits();
        }

        string number = text[from.._at];
        return decimal.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal value)
            ? new Token(TokenKind.Number, from, _at, value.ToString(CultureInfo.InvariantCulture))
            : throw new ExpressionSyntaxException($"'{number}' is too large a number", from);
    }

    private void Digits()
    {
        while (char.IsAsciiDigit(Peek(0)))
        {
            _at++;
        }
    }

    private Token Quoted(char quote)
    {
        int from = _at++;
        StringBuilder value = new();
        while (_at < text.Length && text[_at] != quote)
        {
            value.Append(text[_at] == '\\' ? Escape() : text[_at]);
            _at++;
        }

        if (_at >= text.Length)
        {
            throw new ExpressionSyntaxException("The string has no closing quote", from);
        }

        _at++;
        return new Token(TokenKind.Text, from, _at, value.ToString());
    }

    /// <summary>Leaves the position on the last character of the escape.</summary>
    private char Escape()
    {
        int from = _at++;
        switch (Peek(0))
        {
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case '\\' or '\'' or '"': return text[_at];
            case 'u' when _at + 4 < text.Length
                && ushort.TryParse(text.AsSpan(_at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code):
                _at += 4;
                return (char)code;
            default:
                throw new ExpressionSyntaxException(@"Unknown escape in the string; there is \n, \r, \t, \\, \', \"" and \uXXXX", from);
        }
    }
}
