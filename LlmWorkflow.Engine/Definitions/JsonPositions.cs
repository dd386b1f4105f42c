using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Knows the line and column of every value and property name of a JSON text.</summary>
internal sealed class JsonPositions
{
    /// <summary>Deepest nesting of objects and lists.</summary>
    public const int MaxDepth = 64;

    private readonly byte[] _utf8;
    private readonly List<Entry> _entries = [];
    private readonly List<int> _lineStarts = [0];

    /// <summary>Reads the text once.</summary>
    /// <exception cref="JsonException">It is malformed, or too deep.</exception>
    /// <exception cref="InvalidOperationException">An escape in it is half a character.</exception>
    public JsonPositions(byte[] utf8)
    {
        _utf8 = utf8;
        for (int i = 0; i < utf8.Length; i++)
        {
            if (utf8[i] == '\n')
            {
                _lineStarts.Add(i + 1);
            }
        }

        Utf8JsonReader reader = new(utf8, new JsonReaderOptions { MaxDepth = MaxDepth + 1 });
        reader.Read();
        Walk(ref reader, JsonPlace.Root, -1);
        while (reader.Read())
        {
            // Text behind the value is malformed; the reader says so.
        }
    }

    /// <summary>Properties that come twice in their object, with the line and column of the later name.</summary>
    public List<(JsonPlace Place, int Line, int Column)> Duplicates { get; } = [];

    /// <summary>Where a value stands, or the property name itself; for a place that does not exist, its nearest parent.</summary>
    public (int Line, int Column) Find(JsonPlace place, bool name = false)
    {
        Entry entry = EntryOf(place, out bool isFound);
        return LineAndColumn(name && isFound && entry.NameOffset >= 0 ? entry.NameOffset : entry.Offset);
    }

    /// <summary>Where a character of a string value stands.</summary>
    /// <param name="place">The string.</param>
    /// <param name="index">Index of the character in the string's value.</param>
    public (int Line, int Column) FindInText(JsonPlace place, int index)
    {
        int at = EntryOf(place, out bool isFound).Offset;
        if (!isFound || _utf8[at] != '"')
        {
            return LineAndColumn(at);
        }

        at++;
        for (int i = 0; i < index && _utf8[at] != '"'; i++)
        {
            if (_utf8[at] == '\\')
            {
                at += _utf8[at + 1] == 'u' ? 6 : 2;
                continue;
            }

            int length = _utf8[at] switch { < 0x80 => 1, < 0xE0 => 2, < 0xF0 => 3, _ => 4 };
            // Four bytes are two characters of the value.
            i += length == 4 ? 1 : 0;
            at += length;
        }

        return LineAndColumn(at);
    }

    private Entry EntryOf(JsonPlace place, out bool isFound)
    {
        int at = 0;
        isFound = true;
        foreach (JsonPlace part in place.Path())
        {
            int child = part.IsItem ? Item(at, int.Parse(part.Name, System.Globalization.CultureInfo.InvariantCulture)) : Member(at, part.Name);
            if (child < 0)
            {
                isFound = false;
                break;
            }

            at = child;
        }

        return _entries[at];
    }

    private int Item(int parent, int index)
    {
        int child = parent + 1;
        for (int i = 0; i < index && child < _entries[parent].End; i++)
        {
            child = _entries[child].End;
        }

        return child < _entries[parent].End ? child : -1;
    }

    private int Member(int parent, string name)
    {
        // Of two properties with one name the later counts, here as for the reader.
        int found = -1;
        byte[] utf8 = Encoding.UTF8.GetBytes(name);
        for (int child = parent + 1; child < _entries[parent].End; child = _entries[child].End)
        {
            if (_entries[child].NameOffset >= 0 && IsNamed(_entries[child].NameOffset, utf8))
            {
                found = child;
            }
        }

        return found;
    }

    private bool IsNamed(int offset, byte[] name)
    {
        ReadOnlySpan<byte> written = _utf8.AsSpan(offset + 1);
        int end = written.IndexOfAny((byte)'"', (byte)'\\');
        if (written[end] == '"')
        {
            return written[..end].SequenceEqual(name);
        }

        Utf8JsonReader reader = new(_utf8.AsSpan(offset), false, default);
        return reader.Read() && reader.ValueTextEquals(name);
    }

    private (int Line, int Column) LineAndColumn(int offset)
    {
        int line = _lineStarts.BinarySearch(offset);
        line = line < 0 ? ~line - 1 : line;
        return (line + 1, Encoding.UTF8.GetCharCount(_utf8, _lineStarts[line], offset - _lineStarts[line]) + 1);
    }

    private void Walk(ref Utf8JsonReader reader, JsonPlace place, int nameOffset)
    {
        int own = _entries.Count;
        _entries.Add(new Entry((int)reader.TokenStartIndex, nameOffset, own + 1));
        if (reader.CurrentDepth >= MaxDepth && reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            (int line, int column) = LineAndColumn((int)reader.TokenStartIndex);
            throw new JsonException($"The JSON is nested deeper than {MaxDepth} levels.", null, line - 1, column - 1);
        }

        if (reader.TokenType == JsonTokenType.String && reader.ValueIsEscaped)
        {
            // Throws where an escape is half a character.
            _ = reader.GetString();
        }

        if (reader.TokenType == JsonTokenType.StartObject)
        {
            Members(ref reader, place);
        }
        else if (reader.TokenType == JsonTokenType.StartArray)
        {
            for (int index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
            {
                Walk(ref reader, place.Item(index), -1);
            }
        }

        _entries[own] = _entries[own] with { End = _entries.Count };
    }

    private void Members(ref Utf8JsonReader reader, JsonPlace place)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            JsonPlace member = place.Member(reader.GetString()!);
            int nameOffset = (int)reader.TokenStartIndex;
            if (!names.Add(member.Name))
            {
                (int line, int column) = LineAndColumn(nameOffset);
                Duplicates.Add((member, line, column));
            }

            reader.Read();
            Walk(ref reader, member, nameOffset);
        }
    }

    /// <summary>A value in document order.</summary>
    /// <param name="Offset">Of its first byte.</param>
    /// <param name="NameOffset">Of its property name's opening quote; -1 in a list.</param>
    /// <param name="End">Index of the entry behind it and all that is inside it.</param>
    private readonly record struct Entry(int Offset, int NameOffset, int End);
}
