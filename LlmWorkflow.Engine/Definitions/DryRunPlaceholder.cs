using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Stands for a value that a dry run does not know, as a string with the expression in marks that texts hardly ever hold.</summary>
internal static partial class DryRunPlaceholder
{
    private const char Open = '⦗';

    private const char Close = '⦘';

    private const int MaxLength = 120;

    /// <summary>The placeholder of an expression.</summary>
    public static JsonElement Of(string expression)
    {
        string name = expression.Replace(Open, '(').Replace(Close, ')');
        return JsonValues.String($"{Open}{(name.Length <= MaxLength ? name : name[..MaxLength] + "…")}{Close}");
    }

    /// <summary>Whether the value is one.</summary>
    public static bool Is(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 1 } text && text[0] == Open && text.IndexOf(Close, StringComparison.Ordinal) == text.Length - 1;

    /// <summary>Whether the value is or holds one.</summary>
    public static bool IsIn(JsonElement value) =>
        value.ValueKind is JsonValueKind.String or JsonValueKind.Object or JsonValueKind.Array && value.GetRawText().Contains(Open, StringComparison.Ordinal);

    /// <summary>Whether the text holds one.</summary>
    public static bool IsIn(string text) => text.Contains(Open, StringComparison.Ordinal);

    /// <summary>The expression of a placeholder.</summary>
    public static string NameOf(JsonElement placeholder) => placeholder.GetString()![1..^1];

    /// <summary>The text for readers: <c>⟨steps.fetch.output⟩</c>.</summary>
    public static string Show(string text) => text.Replace(Open, '⟨').Replace(Close, '⟩');

    /// <summary>The text without placeholders, and the expressions of those, each as often as it stands there.</summary>
    public static (string Known, IReadOnlyList<string> Unknown) Split(string text)
    {
        if (!IsIn(text))
        {
            return (text, []);
        }

        List<string> unknown = [.. Pattern().Matches(text).Select(match => match.Groups[1].Value)];
        return (Pattern().Replace(text, ""), unknown);
    }

    [GeneratedRegex("⦗([^⦗⦘]*)⦘", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
