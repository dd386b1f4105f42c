using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Transforms;

/// <summary><c>sort</c>: stable; null last in either direction; numbers by value, text ordinal; booleans before numbers before text.</summary>
internal static class SortTransform
{
    public static JsonElement Apply(TransformCall call)
    {
        List<(ItemExpression? By, bool IsDescending)> orders = Orders(call);
        List<JsonElement> items = [.. call.Items()];
        SortKey[][] keys = [.. items.Select((item, index) => orders
            .Select(order => SortKey.Of(call, order.By is null ? item : order.By.Evaluate(item, index))).ToArray())];
        int[] places = [.. Enumerable.Range(0, items.Count)];
        // With the place as the last key the order is total, and with that the sort stable.
        Array.Sort(places, (left, right) => Compare(keys[left], keys[right], orders) is var order and not 0 ? order : left.CompareTo(right));
        return call.WriteArray(places.Select(place => items[place]));
    }

    private static int Compare(SortKey[] left, SortKey[] right, List<(ItemExpression? By, bool IsDescending)> orders)
    {
        for (int i = 0; i < left.Length; i++)
        {
            if (left[i].Compare(right[i], orders[i].IsDescending) is var order and not 0)
            {
                return order;
            }
        }

        return 0;
    }

    private static List<(ItemExpression? By, bool IsDescending)> Orders(TransformCall call)
    {
        bool isDescending = call.Choice("direction") == "desc";
        JsonElement by = call.Parameter("by");
        if (by.ValueKind != JsonValueKind.Array)
        {
            return [(ItemExpression.Read(call, "by"), isDescending)];
        }

        return by.GetArrayLength() == 0
            ? throw call.Fault("'by' must name at least one order", by)
            : [.. by.EnumerateArray().Select(order => Order(call, order, isDescending))];
    }

    private static (ItemExpression? By, bool IsDescending) Order(TransformCall call, JsonElement order, bool isDescending)
    {
        if (order.ValueKind != JsonValueKind.Object || !order.TryGetProperty("by", out JsonElement by)
            || order.EnumerateObject().Any(property => property.Name is not ("by" or "direction")))
        {
            throw call.Fault("'by' must be an expression, or a list of {\"by\": expression, \"direction\": \"asc\" or \"desc\"}", order);
        }

        return (
            ItemExpression.Read(call, "by", by),
            order.TryGetProperty("direction", out JsonElement direction)
                ? call.Choice("direction", TemplateResolver.Resolve(direction, call.Scope)) == "desc"
                : isDescending);
    }
}

/// <summary>A value to sort by.</summary>
internal readonly record struct SortKey
{
    private enum Kind
    {
        Boolean,
        Number,
        Text,
        Null,
    }

    private Kind Rank { get; init; }

    private double Number { get; init; }

    /// <summary>Tells apart numbers that are the same as double; null beyond decimal's range.</summary>
    private decimal? Exact { get; init; }

    private string? Text { get; init; }

    public static SortKey Of(TransformCall call, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => new SortKey { Rank = Kind.Null },
        JsonValueKind.False or JsonValueKind.True => new SortKey { Rank = Kind.Boolean, Number = value.GetBoolean() ? 1 : 0 },
        JsonValueKind.Number => new SortKey { Rank = Kind.Number, Number = value.GetDouble(), Exact = value.TryGetDecimal(out decimal exact) ? exact : null },
        JsonValueKind.String => new SortKey { Rank = Kind.Text, Text = value.GetString() },
        _ => throw call.Fault("there is no order among objects and arrays: 'by' must give text, a number, true, false or null", value),
    };

    public int Compare(SortKey other, bool isDescending)
    {
        if (Rank == Kind.Null || other.Rank == Kind.Null)
        {
            return Rank.CompareTo(other.Rank);
        }

        int order = Rank != other.Rank ? Rank.CompareTo(other.Rank)
            : Rank == Kind.Text ? string.CompareOrdinal(Text, other.Text)
            : Number.CompareTo(other.Number) is var byNumber and not 0 ? byNumber
            : Nullable.Compare(Exact, other.Exact);
        return isDescending ? -Math.Sign(order) : order;
    }
}
