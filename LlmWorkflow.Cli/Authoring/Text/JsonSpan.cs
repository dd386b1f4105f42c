using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Cli.Authoring.Text;

/// <summary>A value of a JSON text, with the place where it stands. Positions count characters.</summary>
internal sealed class JsonSpan
{
    private const int MaxDepth = 64;

    private readonly List<JsonSpan> _children = [];

    private JsonSpan(JsonSpan? parent) => Parent = parent;

    /// <summary>What it is.</summary>
    public JsonValueKind Kind { get; private set; }

    /// <summary>Of its first character.</summary>
    public int Start { get; private set; }

    /// <summary>Behind its last character.</summary>
    public int End { get; private set; }

    /// <summary>Start of its property name, or of itself in a list.</summary>
    public int OuterStart { get; private set; }

    /// <summary>Its property name; null in a list.</summary>
    public string? Name { get; private set; }

    /// <summary>The value of a string; null for all others.</summary>
    public string? String { get; private set; }

    /// <summary>Null for the root.</summary>
    public JsonSpan? Parent { get; }

    /// <summary>Members of an object, items of a list.</summary>
    public IReadOnlyList<JsonSpan> Children => _children;

    /// <summary>Its place among the children of <see cref="Parent"/>.</summary>
    public int Index { get; private set; }

    /// <summary>Reads a text.</summary>
    /// <exception cref="JsonException">It is malformed or nested too deep.</exception>
    /// <exception cref="InvalidOperationException">An escape in it is half a character.</exception>
    public static JsonSpan Parse(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        var positions = new CharPositions(text, utf8.Length);
        Utf8JsonReader reader = new(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        reader.Read();
        var root = Walk(ref reader, null, null, positions);
        while (reader.Read())
        {
            // Text behind the value is malformed; the reader says so.
        }

        return root;
    }

    /// <summary>The member of that name; of two the later, as everywhere.</summary>
    public JsonSpan? Member(string name) => Kind is JsonValueKind.Object ? _children.LastOrDefault(child => child.Name == name) : null;

    /// <summary>Indexes that lead here from the root.</summary>
    public IReadOnlyList<int> Route()
    {
        List<int> route = [];
        for (var at = this; at.Parent is { } parent; at = parent)
        {
            route.Insert(0, at.Index);
        }

        return route;
    }

    /// <summary>The value that a route leads to.</summary>
    public JsonSpan At(IEnumerable<int> route) => route.Aggregate(this, (at, index) => at._children[index]);

    private static JsonSpan Walk(ref Utf8JsonReader reader, JsonSpan? parent, (string Name, int Start)? name, CharPositions positions)
    {
        var start = positions.Of((int)reader.TokenStartIndex);
        JsonSpan span = new(parent) { Start = start, OuterStart = name?.Start ?? start, Name = name?.Name, Index = parent?._children.Count ?? 0 };
        parent?._children.Add(span);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                span.Kind = JsonValueKind.Object;
                while (reader.Read() && reader.TokenType is not JsonTokenType.EndObject)
                {
                    (string, int) member = (reader.GetString()!, positions.Of((int)reader.TokenStartIndex));
                    reader.Read();
                    Walk(ref reader, span, member, positions);
                }

                break;
            case JsonTokenType.StartArray:
                span.Kind = JsonValueKind.Array;
                while (reader.Read() && reader.TokenType is not JsonTokenType.EndArray)
                {
                    Walk(ref reader, span, null, positions);
                }

                break;
            case JsonTokenType.String:
                span.Kind = JsonValueKind.String;
                span.String = reader.GetString();
                break;
            default:
                span.Kind = reader.TokenType switch
                {
                    JsonTokenType.True => JsonValueKind.True,
                    JsonTokenType.False => JsonValueKind.False,
                    JsonTokenType.Null => JsonValueKind.Null,
                    _ => JsonValueKind.Number,
                };
                break;
        }

        span.End = positions.Of((int)reader.BytesConsumed);
        return span;
    }

    /// <summary>Characters by bytes of the same text in UTF-8.</summary>
    private sealed class CharPositions
    {
        // Null while both are the same: plain ASCII.
        private readonly int[]? _chars;

        public CharPositions(string text, int bytes)
        {
            if (bytes == text.Length)
            {
                return;
            }

            _chars = new int[bytes + 1];
            var at = 0;
            var character = 0;
            foreach (var rune in text.EnumerateRunes())
            {
                for (var i = 0; i < rune.Utf8SequenceLength; i++)
                {
                    _chars[at++] = character;
                }

                character += rune.Utf16SequenceLength;
            }

            _chars[bytes] = text.Length;
        }

        public int Of(int offset) => _chars?[offset] ?? offset;
    }
}
