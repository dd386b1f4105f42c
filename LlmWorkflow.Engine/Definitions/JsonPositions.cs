using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Knows the line and column of every value and property name of a JSON text, by JSON pointer.</summary>
internal sealed class JsonPositions
{
    private readonly byte[] _utf8;
    private readonly Dictionary<string, int> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private readonly List<int> _lineStarts = [0];

    /// <summary>Reads the text once.</summary>
    /// <exception cref="JsonException">It is malformed.</exception>
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

        Utf8JsonReader reader = new(utf8);
        reader.Read();
        Walk(ref reader, "");
        while (reader.Read())
        {
            // Text behind the value is malformed; the reader says so.
        }
    }

    /// <summary>Pointers of properties that come twice in their object.</summary>
    public List<string> Duplicates { get; } = [];

    /// <summary>Where a value stands, or the property name itself; for a pointer that leads nowhere, its nearest parent.</summary>
    public (int Line, int Column) Find(string pointer, bool name = false)
    {
        for (string at = pointer; ; at = at[..at.LastIndexOf('/')])
        {
            if ((name && at == pointer && _names.TryGetValue(at, out int offset)) || _values.TryGetValue(at, out offset))
            {
                return LineAndColumn(offset);
            }

            if (at.Length == 0)
            {
                return (1, 1);
            }
        }
    }

    /// <summary>A property name or index as a pointer's last part.</summary>
    public static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private (int Line, int Column) LineAndColumn(int offset)
    {
        int line = _lineStarts.BinarySearch(offset);
        line = line < 0 ? ~line - 1 : line;
        return (line + 1, Encoding.UTF8.GetCharCount(_utf8, _lineStarts[line], offset - _lineStarts[line]) + 1);
    }

    private void Walk(ref Utf8JsonReader reader, string pointer)
    {
        _values[pointer] = (int)reader.TokenStartIndex;
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                string member = $"{pointer}/{Escape(reader.GetString()!)}";
                if (!_names.TryAdd(member, (int)reader.TokenStartIndex))
                {
                    Duplicates.Add(member);
                }

                reader.Read();
                Walk(ref reader, member);
            }
        }
        else if (reader.TokenType == JsonTokenType.StartArray)
        {
            for (int index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
            {
                Walk(ref reader, string.Create(CultureInfo.InvariantCulture, $"{pointer}/{index}"));
            }
        }
    }
}
