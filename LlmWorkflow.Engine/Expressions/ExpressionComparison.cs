using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Equality, order and membership. Missing counts as null; numbers compare by value, strings by code unit, lists and objects by content.</summary>
internal static class ExpressionComparison
{
    /// <summary>Values of different kinds are never equal.</summary>
    public static bool AreEqual(in ExpressionValue left, in ExpressionValue right)
    {
        if (left.IsMissingOrNull || right.IsMissingOrNull)
        {
            return left.IsMissingOrNull && right.IsMissingOrNull;
        }

        if (left.Kind != right.Kind)
        {
            return false;
        }

        if (left.Json.ValueKind != JsonValueKind.Undefined && right.Json.ValueKind != JsonValueKind.Undefined)
        {
            return JsonElement.DeepEquals(left.Json, right.Json);
        }

        return left.Kind switch
        {
            JsonValueKind.Number => left.Number.CompareTo(right.Number) == 0,
            JsonValueKind.String => string.Equals(left.Text, right.Text, StringComparison.Ordinal),
            JsonValueKind.Array => left.Count == right.Count && left.Items.Zip(right.Items).All(pair => AreEqual(pair.First, pair.Second)),
            _ => true,
        };
    }

    /// <summary>The order of two numbers or two strings; null when the two have none.</summary>
    public static int? Compare(in ExpressionValue left, in ExpressionValue right) => (left.Kind, right.Kind) switch
    {
        (JsonValueKind.Number, JsonValueKind.Number) => left.Number.CompareTo(right.Number),
        (JsonValueKind.String, JsonValueKind.String) => string.CompareOrdinal(left.Text, right.Text),
        _ => null,
    };
}
