using System.Runtime.InteropServices;
using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>The items of the pages so far.</summary>
/// <param name="limit">Most that are wanted; null: all.</param>
/// <param name="maxSize">Most bytes of JSON.</param>
internal sealed class FoundItems(int? limit, int maxSize)
{
    private readonly List<JsonElement> _items = [];
    private long _size;

    /// <summary>There are as many as are wanted.</summary>
    public bool IsFull => _items.Count >= limit;

    /// <summary>There were more than are wanted.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Takes a page's items; false when they are too large together.</summary>
    public bool Add(JsonElement items)
    {
        foreach (var item in items.ValueKind == JsonValueKind.Array ? items.EnumerateArray() : default)
        {
            if (IsFull)
            {
                IsCut = true;
                return true;
            }

            _size += JsonMarshal.GetRawUtf8Value(item).Length;
            if (_size > maxSize)
            {
                return false;
            }

            _items.Add(item);
        }

        return true;
    }

    public JsonElement ToJson() => JsonValues.Write(writer =>
    {
        writer.WriteStartArray();
        foreach (var item in _items)
        {
            item.WriteTo(writer);
        }

        writer.WriteEndArray();
    });
}
