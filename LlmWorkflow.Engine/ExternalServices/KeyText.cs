using System.Buffers;
using System.Globalization;
using System.Text;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Finds a key in text in every form that JSON and URLs give it: each character as it is, or escaped, in any mixture. Pure.</summary>
internal sealed class KeyText
{
    // A shorter text is no secret, and taking it out would tear replies.
    private const int Shortest = 3;

    private static readonly byte[] s_redacted = Encoding.UTF8.GetBytes(Redactor.Redacted);
    private static readonly byte[] s_redactedText = Encoding.UTF8.GetBytes($"\"{Redactor.Redacted}\"");

    private readonly Rune[] _runes;
    private readonly SearchValues<byte> _starts;
    private readonly bool _isNumber;

    private KeyText(string key)
    {
        _runes = [.. key.EnumerateRunes()];
        _isNumber = key.All(char.IsAsciiDigit);
        _starts = SearchValues.Create([Encoding.UTF8.GetBytes(_runes[0].ToString())[0], (byte)'\\', (byte)'%', (byte)'+']);
    }

    /// <summary>For a key; null when there is none that could be a secret.</summary>
    public static KeyText? Of(string? key) => key?.Length >= Shortest ? new(key) : null;

    /// <summary>Whether a text holds a key.</summary>
    public static bool IsIn(string text, string? key) => Of(key) is { } known && known.Find(Encoding.UTF8.GetBytes(text), 0).Length > 0;

    /// <summary>The text, in UTF-8, with <c>[REDACTED]</c> in the key's place.</summary>
    public byte[] Remove(byte[] text)
    {
        ArrayBufferWriter<byte>? cleaned = null;
        var start = 0;
        for (var found = Find(text, 0); found.Length > 0; found = Find(text, found.Start + found.Length))
        {
            if (_isNumber && IsPartOfNumber(text, found))
            {
                continue;
            }

            cleaned ??= new(text.Length + s_redacted.Length);
            cleaned.Write(text.AsSpan(start, found.Start - start));
            cleaned.Write(_isNumber && IsValue(text, found) ? s_redactedText : s_redacted);
            start = found.Start + found.Length;
        }

        cleaned?.Write(text.AsSpan(start));
        return cleaned?.WrittenSpan.ToArray() ?? text;
    }

    // A key of digits stands by chance in longer numbers, which must stay numbers.
    private static bool IsPartOfNumber(ReadOnlySpan<byte> text, (int Start, int Length) found) =>
        (found.Start > 0 && text[found.Start - 1] is (>= (byte)'0' and <= (byte)'9') or (byte)'.' or (byte)'-')
        || (found.Start + found.Length is var end && end < text.Length && text[end] is (>= (byte)'0' and <= (byte)'9') or (byte)'.' or (byte)'e' or (byte)'E');

    // A value of its own: without quotes the text in its place would be no JSON.
    private static bool IsValue(ReadOnlySpan<byte> text, (int Start, int Length) found)
    {
        var before = text[..found.Start].TrimEnd(" \t\r\n"u8);
        var after = text[(found.Start + found.Length)..].TrimStart(" \t\r\n"u8);
        return (before.IsEmpty || before[^1] is (byte)':' or (byte)',' or (byte)'[') && (after.IsEmpty || after[0] is (byte)',' or (byte)']' or (byte)'}');
    }

    private (int Start, int Length) Find(ReadOnlySpan<byte> text, int from)
    {
        while (text[from..].IndexOfAny(_starts) is var next and >= 0)
        {
            from += next;
            if (Match(text[from..], 0) is var length and >= 0)
            {
                return (from, length);
            }

            from++;
        }

        return (text.Length, 0);
    }

    // Length of the rest of the key at the start of the text; -1: it is not there.
    private int Match(ReadOnlySpan<byte> text, int index)
    {
        if (index == _runes.Length)
        {
            return 0;
        }

        Span<byte> utf8 = stackalloc byte[4];
        Span<char> utf16 = stackalloc char[2];
        var rune = _runes[index];
        utf8 = utf8[..rune.EncodeToUtf8(utf8)];
        utf16 = utf16[..rune.EncodeToUtf16(utf16)];
        ReadOnlySpan<int> forms = [Percent(text, utf8), Escaped(text, utf16), Plain(text, rune, utf8)];
        foreach (var form in forms)
        {
            if (form > 0 && Match(text[form..], index + 1) is var rest and >= 0)
            {
                return form + rest;
            }
        }

        return -1;
    }

    // As it is, with the backslash of JSON, or a space as in forms.
    private static int Plain(ReadOnlySpan<byte> text, Rune rune, ReadOnlySpan<byte> utf8) =>
        text.StartsWith(utf8) && (utf8[0] != '\\' || !text[1..].StartsWith(utf8)) ? utf8.Length
        : rune.Value is '"' or '/' or '\\' && text.Length > 1 && text[0] == '\\' && text[1] == rune.Value ? 2
        : rune.Value == ' ' && text.StartsWith("+"u8) ? 1
        : 0;

    private static int Percent(ReadOnlySpan<byte> text, ReadOnlySpan<byte> utf8)
    {
        for (var i = 0; i < utf8.Length; i++)
        {
            if (text.Length < (i * 3) + 3 || text[i * 3] != '%' || Hex(text.Slice((i * 3) + 1, 2)) != utf8[i])
            {
                return 0;
            }
        }

        return utf8.Length * 3;
    }

    private static int Escaped(ReadOnlySpan<byte> text, ReadOnlySpan<char> utf16)
    {
        for (var i = 0; i < utf16.Length; i++)
        {
            if (text.Length < (i * 6) + 6 || text[i * 6] != '\\' || text[(i * 6) + 1] != 'u' || Hex(text.Slice((i * 6) + 2, 4)) != utf16[i])
            {
                return 0;
            }
        }

        return utf16.Length * 6;
    }

    private static int Hex(ReadOnlySpan<byte> digits) => int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : -1;
}
