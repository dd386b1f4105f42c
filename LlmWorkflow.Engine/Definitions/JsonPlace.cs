using System.Globalization;
using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>
/// A place in a JSON document. Its pointer is written out only when somebody asks: a walk over a large file visits many places and reports few of them.
/// </summary>
internal sealed class JsonPlace
{
    private JsonPlace(JsonPlace? parent, string name, bool isItem)
    {
        Parent = parent;
        Name = name;
        IsItem = isItem;
    }

    /// <summary>The whole document.</summary>
    public static JsonPlace Root { get; } = new(null, "", false);

    /// <summary>Null for <see cref="Root"/>.</summary>
    public JsonPlace? Parent { get; }

    /// <summary>Property name, or index in a list.</summary>
    public string Name { get; }

    /// <summary>Whether it is in a list.</summary>
    public bool IsItem { get; }

    /// <summary>The place as messages name it: <c>'stop'</c>, <c>'stop[0]'</c>.</summary>
    public string Label => $"'{(IsItem ? $"{Parent!.Name}[{Name}]" : Shortened.Name(Name))}'";

    /// <summary>JSON pointer (RFC 6901).</summary>
    public string Pointer => string.Concat(Path().Select(place => "/" + Escape(place.Name)));

    /// <summary>A property name as a pointer's part.</summary>
    public static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>A property of the object here.</summary>
    public JsonPlace Member(string name) => new(this, name, false);

    /// <summary>An item of the list here.</summary>
    public JsonPlace Item(int index) => new(this, index.ToString(CultureInfo.InvariantCulture), true);

    /// <summary>All places on the way from the root, which is not among them, to this one.</summary>
    public IReadOnlyList<JsonPlace> Path()
    {
        List<JsonPlace> path = [];
        for (JsonPlace at = this; at.Parent is { } parent; at = parent)
        {
            path.Add(at);
        }

        path.Reverse();
        return path;
    }

    /// <summary>The value here; Undefined when there is none.</summary>
    public JsonElement In(JsonElement root)
    {
        JsonElement at = root;
        foreach (JsonPlace part in Path())
        {
            at = part.IsItem
                ? at.ValueKind == JsonValueKind.Array ? at.EnumerateArray().ElementAtOrDefault(int.Parse(part.Name, CultureInfo.InvariantCulture)) : default
                : at.ValueKind == JsonValueKind.Object && at.TryGetProperty(part.Name, out JsonElement member) ? member : default;
        }

        return at;
    }

    /// <inheritdoc/>
    public override string ToString() => Pointer;
}
