using System.Globalization;
using LlmWorkflow.Engine.Definitions.Language;

namespace LlmWorkflow.Tests.Docs;

/// <summary>Writes shapes of the language as markdown tables.</summary>
internal static class PropertyTable
{
    /// <summary>A row per property; those of objects inside follow under a longer name.</summary>
    public static string Of(IReadOnlyList<PropertyShape> properties) => properties.Count == 0
        ? "No parameters."
        : Table(["Property", "Value", "Default", "Meaning"], properties.SelectMany(property => Rows("", property)));

    public static string Table(IReadOnlyList<string> head, IEnumerable<IReadOnlyList<string>> rows) =>
        string.Join('\n', [Row(head), $"|{string.Concat(head.Select(_ => "---|"))}", .. rows.Select(row => Row([.. row.Select(Escape)]))]);

    private static string Row(IReadOnlyList<string> cells) => $"| {string.Join(" | ", cells)} |";

    private static string Escape(string cell) => cell.Replace("|", "\\|", StringComparison.Ordinal);

    private static IEnumerable<IReadOnlyList<string>> Rows(string prefix, PropertyShape property)
    {
        var name = prefix + property.Name;
        yield return [$"`{name}`", Words(property.Value), property.IsRequired ? "required" : property.Default is { } value ? $"`{value}`" : "", property.Doc];
        foreach (var row in Inside(name, property.Value).SelectMany(rows => rows))
        {
            yield return row;
        }
    }

    private static IEnumerable<IEnumerable<IReadOnlyList<string>>> Inside(string name, ValueShape value) => value switch
    {
        ObjectShape shape => shape.Properties.Select(inner => Rows($"{name}.", inner)),
        ListShape { Item: ObjectShape item } => item.Properties.Select(inner => Rows($"{name}[].", inner)),
        EitherShape either => either.Options.SelectMany(option => Inside(name, option)),
        _ => [],
    };

    private static string Words(ValueShape value) => Kind(value) + (value.OrTemplate ? ", or `${…}`" : "");

    private static string Kind(ValueShape value) => value switch
    {
        TextShape { Choices.Count: > 0 } text => string.Join(", ", text.Choices.Select(choice => $"`{choice}`")),
        TextShape { Form: { } form } => form.Words,
        TextShape text => Use(text.Use),
        NumberShape { Least: long.MinValue } number => Bare(number.Expected),
        NumberShape number => Bare(number.Bounds),
        FlagShape => "`true` or `false`",
        AnyShape { Use: TextUse.Plain } => "any JSON, taken as written",
        AnyShape { Use: TextUse.ItemTemplate } => "any JSON with `${…}` of `item` and `index`",
        AnyShape => "any JSON with `${…}`",
        SchemaShape => "JSON Schema",
        StepsShape { Least: 0 } => "list of steps, may be empty",
        StepsShape => "list of steps",
        ListShape list => $"list of {Items(list.Item)}{Bounds(list)}",
        MapShape map => $"object of names, each with: {Kind(map.Value)}",
        EitherShape either => string.Join("; or ", either.Options.Select(Kind)),
        OperationShape => "object with `operation` and its parameters",
        ObjectShape => "object",
        _ => throw new ArgumentOutOfRangeException(nameof(value), value, "a shape without words"),
    };

    private static string Items(ValueShape item) => item switch
    {
        ObjectShape => "objects",
        TextShape { Choices.Count: 0 } text when text.Use is TextUse.Plain or TextUse.Template => text.Use == TextUse.Plain ? "texts" : "texts with `${…}`",
        AnyShape => "any values with `${…}`",
        OperationShape => "objects with `operation` and its parameters",
        _ => $"values, each: {Kind(item)}",
    };

    private static string Bare(string words) => words["a ".Length..];

    private static string Use(TextUse use) => use switch
    {
        TextUse.Plain => "text",
        TextUse.Template => "text with `${…}`",
        TextUse.Expression => "expression",
        TextUse.Condition => "condition",
        TextUse.Key => "expression of `input` and `context`",
        TextUse.ItemExpression => "expression of `item` and `index`",
        TextUse.ItemCondition => "condition on `item` and `index`",
        TextUse.ItemTemplate => "text with `${…}` of `item` and `index`",
        TextUse.Prompt => "prompt",
        TextUse.PromptFile => "path under `prompts/`",
        _ => "text with `${…}` and Handlebars",
    };

    private static string Bounds(ListShape list) => (list.Least, list.Most) switch
    {
        (_, int.MaxValue) => "",
        (0, var most) => string.Create(CultureInfo.InvariantCulture, $", at most {most}"),
        var (least, most) => string.Create(CultureInfo.InvariantCulture, $", {least} to {most}"),
    };
}
