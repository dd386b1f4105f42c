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
    Sign,
}

/// <summary>A word of an expression.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">Index of its first character.</param>
/// <param name="End">Index behind its last character.</param>
/// <param name="Value">The name, the number as JSON writes it, the string without quotes and escapes, or the sign.</param>
internal readonly record struct Token(TokenKind Kind, int Start, int End, string Value)
{
    /// <summary>Whether it is that sign.</summary>
    public bool Is(string sign) => Kind == TokenKind.Sign && Value == sign;

    /// <summary>Whether it is that word.</summary>
    public bool IsWord(string word) => Kind == TokenKind.Name && Value == word;
}

/// <summary>Cuts an expression into tokens, from a position on and only as far as asked.</summary>
internal sealed class ExpressionLexer(string text, int start)
{
    private static readonly string[] s_pairs = ["??", "||", "&&", "==", "!=", "<=", ">="];

    private static readonly string[] s_signs = [".", ",", "[", "]", "(", ")", "{", "}", "?", ":", "<", ">", "+", "-", "*", "/", "%", "!"];

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
            '\'' or '"' => Quoted(first),
            _ when char.IsAsciiDigit(first) => Number(),
            _ when first == '_' || char.IsLetter(first) => Name(),
            _ => Sign(),
        };
    }

    private char Peek(int ahead) => _at + ahead < text.Length ? text[_at + ahead] : '\0';

    private Token Sign()
    {
        ReadOnlySpan<char> rest = text.AsSpan(_at);
        ThrowIfForeign(rest);
        foreach (string sign in s_pairs)
        {
            if (rest.StartsWith(sign, StringComparison.Ordinal))
            {
                return Take(sign);
            }
        }

        foreach (string sign in s_signs)
        {
            if (rest[0] == sign[0])
            {
                return Take(sign);
            }
        }

        throw new ExpressionSyntaxException($"Unexpected '{rest[0]}'", _at);
    }

    private Token Take(string sign)
    {
        _at += sign.Length;
        return new Token(TokenKind.Sign, _at - sign.Length, _at, sign);
    }

    /// <summary>What other languages write gets a hint instead of "unexpected".</summary>
    private void ThrowIfForeign(ReadOnlySpan<char> rest)
    {
        string? hint = rest switch
        {
            ['=', '=', '=', ..] => "There is no '==='; write '=='",
            ['!', '=', '=', ..] => "There is no '!=='; write '!='",
            ['=', not '=', ..] or ['='] => "There is no '='; to compare, write '=='",
            ['&', not '&', ..] or ['&'] => "There is no '&'; write '&&' or 'and'",
            ['|', not '|', ..] or ['|'] => "There is no '|'; write '||' or 'or'",
            ['?', '.', ..] => "There is no '?.'; '.' copes with a missing member by itself",
            _ => null,
        };
        if (hint is not null)
        {
            throw new ExpressionSyntaxException(hint, _at);
        }
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
        Digits();
        if (Peek(0) == '.' && char.IsAsciiDigit(Peek(1)))
        {
            _at++;
            Digits();
        }

        if (Peek(0) is 'e' or 'E' && (char.IsAsciiDigit(Peek(1)) || (Peek(1) is '+' or '-' && char.IsAsciiDigit(Peek(2)))))
        {
            _at += 2;
            Digits();
        }

        string number = text[from.._at];
        // As JSON writes it: without leading zeros, which JSON does not know.
        string plain = number.TrimStart('0');
        return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? new Token(TokenKind.Number, from, _at, plain.Length == 0 || !char.IsAsciiDigit(plain[0]) ? "0" + plain : plain)
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
            case '\\' or '\'' or '"' when _at < text.Length: return text[_at];
            case 'u' when _at + 4 < text.Length
                && ushort.TryParse(text.AsSpan(_at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code):
                _at += 4;
                return (char)code;
            default:
                throw new ExpressionSyntaxException(@"Unknown escape in the string; there is \n, \r, \t, \\, \', \"" and \uXXXX", from);
        }
    }
}
