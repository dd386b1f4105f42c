using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>
/// A value while an expression is evaluated: JSON from outside as it is, or a string, number, boolean or list that the expression made, which needs no
/// JSON of its own until it leaves. The default is the missing value.
/// </summary>
internal readonly struct ExpressionValue
{
    private readonly JsonElement _json;
    private readonly object? _made;
    private readonly ExpressionNumber _number;

    private ExpressionValue(JsonValueKind kind, object? made = null, ExpressionNumber number = default)
    {
        Kind = kind;
        _made = made;
        _number = number;
    }

    private ExpressionValue(JsonElement json)
    {
        Kind = json.ValueKind;
        _json = json;
    }

    public static ExpressionValue Null { get; } = new(JsonValueKind.Null);

    public JsonValueKind Kind { get; }

    public bool IsMissing => Kind == JsonValueKind.Undefined;

    public bool IsMissingOrNull => Kind is JsonValueKind.Undefined or JsonValueKind.Null;

    /// <summary>The JSON that it came from; Undefined when the expression made it.</summary>
    public JsonElement Json => _json;

    /// <summary>Of a string.</summary>
    public string Text => _made as string ?? _json.GetString()!;

    /// <summary>Of a number.</summary>
    public ExpressionNumber Number => IsJson ? ExpressionNumber.Of(_json) : _number;

    /// <summary>How many items an array, members an object, or characters a string has.</summary>
    public int Count => Kind switch
    {
        JsonValueKind.Array => _made is IReadOnlyList<ExpressionValue> list ? list.Count : _json.GetArrayLength(),
        JsonValueKind.Object => _json.GetPropertyCount(),
        JsonValueKind.String => Text.Length,
        _ => 0,
    };

    /// <summary>Characters of its JSON, roughly; what a list refers to counts each time.</summary>
    public long Size => Kind switch
    {
        JsonValueKind.Undefined => 0,
        _ when IsJson => JsonMarshal.GetRawUtf8Value(_json).Length,
        JsonValueKind.String => Text.Length + 2,
        JsonValueKind.Array => 2 + Items.Sum(item => item.Size + 1),
        _ => 8,
    };

    /// <summary>The items of an array.</summary>
    public IEnumerable<ExpressionValue> Items => _made is IReadOnlyList<ExpressionValue> list ? list : _json.EnumerateArray().Select(Of);

    private bool IsJson => _json.ValueKind != JsonValueKind.Undefined;

    public static ExpressionValue Of(JsonElement json) => new(json);

    public static ExpressionValue Of(string text) => new(JsonValueKind.String, text);

    public static ExpressionValue Of(bool value) => new(value ? JsonValueKind.True : JsonValueKind.False);

    public static ExpressionValue Of(ExpressionNumber number) => new(JsonValueKind.Number, null, number);

    public static ExpressionValue Of(IReadOnlyList<ExpressionValue> items) => new(JsonValueKind.Array, items);

    /// <summary>The item at an index within <see cref="Count"/>.</summary>
    public ExpressionValue ItemAt(int index) => _made is IReadOnlyList<ExpressionValue> list ? list[index] : Of(_json[index]);

    /// <summary>The member of an object; missing when there is none, or when this is no object.</summary>
    public ExpressionValue Member(string name) =>
        Kind == JsonValueKind.Object && _json.TryGetProperty(name, out JsonElement value) ? Of(value) : default;

    /// <summary>As text inside other text: strings raw, null empty, numbers as written, lists and objects as compact JSON.</summary>
    public string ToText() => Kind switch
    {
        JsonValueKind.String => Text,
        JsonValueKind.Number when !IsJson => _number.ToString(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => JsonValues.ToText(ToElement()),
    };

    /// <summary>As free-standing JSON; Undefined when missing.</summary>
    public JsonElement ToElement()
    {
        if (IsJson)
        {
            return _json;
        }

        switch (Kind)
        {
            case JsonValueKind.Undefined:
                return default;
            case JsonValueKind.Null:
                return JsonValues.Null;
            case JsonValueKind.True:
                return JsonValues.True;
            case JsonValueKind.False:
                return JsonValues.False;
            case JsonValueKind.Number:
                return JsonElement.Parse(_number.ToString());
            case JsonValueKind.String:
                return JsonValues.String(Text);
            default:
                ExpressionValue self = this;
                return JsonValues.Write(self.WriteTo);
        }
    }

    public void WriteTo(Utf8JsonWriter writer)
    {
        if (Kind != JsonValueKind.Array || IsJson)
        {
            ToElement().WriteTo(writer);
            return;
        }

        writer.WriteStartArray();
        foreach (ExpressionValue item in Items)
        {
            item.WriteTo(writer);
        }

        writer.WriteEndArray();
    }
}
