using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>
/// Reads JSON as models write it, and mends what has only one meaning: comments, trailing commas, single or curly quotes, names without quotes, line breaks and
/// wrong escapes in texts, Python's and JavaScript's words (<c>True</c>, <c>None</c>, <c>NaN</c>…), and brackets that are missing at the end. Anything that could
/// mean two things is refused: a text or number that is cut off, a comma with nothing behind it at the end, a missing comma.
/// </summary>
internal sealed class JsonMending
{
    private static readonly JsonDocumentOptions s_strict = new() { MaxDepth = TransformLimits.MaxDepth };

    private readonly StringBuilder _json = new();
    private readonly string _text;
    private int _at;
    private bool _isMended;

    // A number that ends with the text may have had more digits.
    private bool _endsInNumber;

    private JsonMending(string text, int start)
    {
        _text = text;
        _at = start;
    }

    private bool AtEnd => _at >= _text.Length;

    private char Current => AtEnd ? '\0' : _text[_at];

    /// <summary>Reads the value that starts at a place; what follows it is not looked at.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">Where the value starts.</param>
    /// <param name="end">Where it ends; when there is none: how far was read.</param>
    /// <returns>The value; null when there is none that is certain.</returns>
    public static FoundJson? Read(string text, int start, out int end)
    {
        ArgumentNullException.ThrowIfNull(text);
        JsonMending reading = new(text, start);
        bool isValue = reading.Value(0);
        end = reading._at;
        if (!isValue)
        {
            return null;
        }

        try
        {
            return new FoundJson(JsonElement.Parse(reading._json.ToString(), s_strict), reading._isMended, end - start);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private bool Value(int depth)
    {
        Space();
        _endsInNumber = false;
        return Current switch
        {
            '{' or '[' => depth < TransformLimits.MaxDepth && Container(depth, _text[_at] == '{'),
            '"' => Text('"'),
            '\'' => Text('\''),
            '“' => Text('”'),
            '-' or '+' or '.' or (>= '0' and <= '9') => Number(),
            _ => Word(),
        };
    }

    private bool Container(int depth, bool isObject)
    {
        char close = isObject ? '}' : ']';
        Take();
        for (bool isFirst = true; ; isFirst = false)
        {
            Space();
            if (AtEnd)
            {
                // Missing brackets: certain only behind a value that is whole.
                _isMended = true;
                _json.Append(close);
                return !isFirst && !_endsInNumber;
            }

            if (Current != close && !isFirst)
            {
                if (Current != ',')
                {
                    return false;
                }

                _at++;
                Space();
                if (Current == close)
                {
                    _isMended = true;
                }
                else
                {
                    _json.Append(',');
                }
            }

            if (Current == close)
            {
                Take();
                return true;
            }

            if (AtEnd || (isObject && !Name()) || !Value(depth + 1))
            {
                return false;
            }
        }
    }

    private bool Name()
    {
        bool isName = Current switch
        {
            '"' => Text('"'),
            '\'' => Text('\''),
            '“' => Text('”'),
            _ => BareName(),
        };
        if (!isName)
        {
            return false;
        }

        Space();
        if (Current != ':')
        {
            return false;
        }

        Take();
        return true;
    }

    private bool BareName()
    {
        string name = Letters();
        _isMended = true;
        _json.Append('"').Append(name).Append('"');
        return name.Length > 0 && !char.IsAsciiDigit(name[0]);
    }

    private bool Word()
    {
        string word = Letters();
        string? json = word switch
        {
            "true" or "True" or "TRUE" => "true",
            "false" or "False" or "FALSE" => "false",
            "null" or "None" or "NULL" or "Null" or "undefined" or "NaN" or "Infinity" => "null",
            _ => null,
        };
        _json.Append(json);
        _isMended |= json != word;
        return json is not null;
    }

    private string Letters()
    {
        int from = _at;
        while (char.IsAsciiLetterOrDigit(Current) || Current is '_' or '$')
        {
            _at++;
        }

        return _text[from.._at];
    }

    private bool Number()
    {
        int from = _at;
        while (char.IsAsciiLetterOrDigit(Current) || Current is '-' or '+' or '.')
        {
            _at++;
        }

        string written = _text[from.._at];
        string number = written.TrimStart('+');
        number = number.StartsWith('.') ? "0" + number : number;
        number = number.Replace("-.", "-0.", StringComparison.Ordinal);
        if (number is "Infinity" or "-Infinity" or "NaN" or "-NaN")
        {
            number = "null";
        }
        else if (!IsNumber(number))
        {
            return false;
        }

        _json.Append(number);
        _isMended |= number != written;
        _endsInNumber = AtEnd;
        return true;
    }

    /// <summary>The digits as JSON has them: no zeros in front, digits on both sides of the point.</summary>
    private static bool IsNumber(string number)
    {
        try
        {
            return JsonElement.Parse(number).ValueKind == JsonValueKind.Number;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private bool Text(char close)
    {
        _isMended |= close != '"';
        _at++;
        _json.Append('"');
        while (!AtEnd && Current != close)
        {
            if (Current == '\\')
            {
                if (!Escape())
                {
                    return false;
                }
            }
            else if (Current is '"' or < ' ')
            {
                _isMended = true;
                AppendEscaped(Current);
                _at++;
            }
            else
            {
                Take();
            }
        }

        if (AtEnd)
        {
            return false;
        }

        _at++;
        _json.Append('"');
        return true;
    }

    /// <summary>Keeps an escape; a backslash before any other letter stands for itself, as in paths and formulas.</summary>
    private bool Escape()
    {
        _at++;
        switch (Current)
        {
            case '"' or '\\' or '/' or 'b' or 'f' or 'n' or 'r' or 't':
                _json.Append('\\');
                Take();
                return true;
            case 'u':
                return Code();
            case '\'':
                _isMended = true;
                Take();
                return true;
            default:
                _isMended = true;
                _json.Append(@"\\");
                return !AtEnd;
        }
    }

    /// <summary>A NUL or half a surrogate pair cannot be stored; the replacement character stands for it.</summary>
    private bool Code()
    {
        if (CodeAt(_at) is not { } code)
        {
            return false;
        }

        _at += 5;
        if (char.IsHighSurrogate(code) && Current == '\\' && CodeAt(_at + 1) is { } low && char.IsLowSurrogate(low))
        {
            _at += 6;
            _json.Append(code).Append(low);
        }
        else if (code == '\0' || char.IsSurrogate(code))
        {
            _isMended = true;
            _json.Append('\uFFFD');
        }
        else if (code is '"' or '\\' or < ' ')
        {
            AppendEscaped(code);
        }
        else
        {
            _json.Append(code);
        }

        return true;
    }

    /// <summary>The code of <c>uXXXX</c> at a place.</summary>
    private char? CodeAt(int at) =>
        at + 5 <= _text.Length && _text[at] == 'u' && ushort.TryParse(_text.AsSpan(at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code)
            ? (char)code
            : null;

    private void AppendEscaped(char letter)
    {
        if (letter == '\0')
        {
            _json.Append('\uFFFD');
        }
        else if (letter is '"' or '\\')
        {
            _json.Append('\\').Append(letter);
        }
        else
        {
            _json.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
        }
    }

    private void Take() => _json.Append(_text[_at++]);

    /// <summary>Passes over white space and comments.</summary>
    private void Space()
    {
        while (!AtEnd)
        {
            if (char.IsWhiteSpace(Current))
            {
                _at++;
            }
            else if (Current == '#' || _text.AsSpan(_at).StartsWith("//", StringComparison.Ordinal))
            {
                PassOver("\n");
            }
            else if (_text.AsSpan(_at).StartsWith("/*", StringComparison.Ordinal))
            {
                PassOver("*/");
            }
            else
            {
                return;
            }
        }
    }

    private void PassOver(string mark)
    {
        int end = _text.IndexOf(mark, _at + 1, StringComparison.Ordinal);
        _isMended = true;
        _at = end < 0 ? _text.Length : end + mark.Length;
    }
}
