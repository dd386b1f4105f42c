using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Transforms;

/// <summary><c>filter</c>, <c>map</c>, <c>unique</c>, <c>flatten</c>, <c>limit</c> and <c>group_by</c>.</summary>
internal static class CollectionTransforms
{
    public static JsonElement Filter(TransformCall call)
    {
        ItemExpression condition = ItemExpression.Read(call, "condition") ?? throw call.Fault("'condition' is not given", default);
        return call.WriteArray(call.Items().Where(condition.IsTrue));
    }

    public static JsonElement Map(TransformCall call)
    {
        ItemExpression? expression = ItemExpression.Read(call, "expression");
        JsonElement value = call.Parameter("value");
        if (expression is null == (value.ValueKind == JsonValueKind.Undefined))
        {
            throw call.Fault("either 'expression' or 'value' must be given", call.Parameters);
        }

        return call.WriteArray(call.Items().Select((item, index) => expression?.Require(item, index) ?? Resolve(call, value, item, index)));
    }

    public static JsonElement Unique(TransformCall call)
    {
        ItemExpression? by = ItemExpression.Read(call, "by");
        HashSet<string> seen = new(StringComparer.Ordinal);
        return call.WriteArray(call.Items().Where((item, index) => seen.Add(CanonicalJson.Of(by is null ? item : by.Evaluate(item, index)))));
    }

    public static JsonElement Flatten(TransformCall call)
    {
        int depth = call.WholeNumber("depth");
        return call.WriteArray(call.Items().SelectMany(item => Dissolve(item, depth)));
    }

    public static JsonElement Limit(TransformCall call)
    {
        int count = call.WholeNumber("count");
        return call.WriteArray(call.Items().Skip(call.WholeNumber("offset")).Take(count));
    }

    public static JsonElement GroupBy(TransformCall call)
    {
        ItemExpression by = ItemExpression.Read(call, "by") ?? throw call.Fault("'by' is not given", default);
        OrderedDictionary<string, List<JsonElement>> groups = new(StringComparer.Ordinal);
        foreach ((int index, JsonElement item) in call.Items().Index())
        {
            string key = Key(call, by.Evaluate(item, index));
            if (!groups.TryGetValue(key, out List<JsonElement>? group))
            {
                groups[key] = group = [];
            }

            group.Add(item);
        }

        return call.Write(writer =>
        {
            writer.WriteStartObject();
            foreach ((string key, List<JsonElement> group) in groups)
            {
                writer.WriteStartArray(key);
                group.ForEach(item => item.WriteTo(writer));
                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        });
    }

    private static JsonElement Resolve(TransformCall call, JsonElement value, JsonElement item, int index)
    {
        try
        {
            return TemplateResolver.Resolve(value, ItemExpression.ScopeOf(call, item, index));
        }
        catch (WorkflowException exception)
        {
            throw call.Fault($"'value' does not work on item {index}: {exception.Message.TrimEnd('.')}", item, exception);
        }
    }

    private static IEnumerable<JsonElement> Dissolve(JsonElement item, int depth) =>
        depth > 0 && item.ValueKind == JsonValueKind.Array ? item.EnumerateArray().SelectMany(inner => Dissolve(inner, depth - 1)) : [item];

    private static string Key(TransformCall call, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => "null",
        JsonValueKind.String => value.GetString()!,
        // 1 and 1.0 are one group.
        JsonValueKind.Number => value.TryGetDecimal(out decimal number) ? number.ToString("G29", CultureInfo.InvariantCulture) : value.GetRawText(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => throw call.Fault("'by' must give text, a number, true, false or null", value),
    };
}
