using static LlmWorkflow.Engine.Transforms.TransformParameterKind;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>Every operation with its parameters: what the language has, in the order in which docs show it.</summary>
internal static class TransformTable
{
    private const string AnArray = "an array";

    private const string Markdown = "text, or an object with text in 'content' (the output of an llm step)";

    public static IReadOnlyList<Transform> All { get; } =
    [
        new("extract_fields", "Picks fields out of an object, or out of each item of an array, by JSONPath", ExtractFields.Apply)
        {
            Input = "any value",
            Parameters =
            [
                new("fields", Paths, "Name of each field and the JSONPath to it; the first match counts, null when there is none") { IsRequired = true },
                new("each", Flag, "Whether each item of the input is taken by itself; default: true when the input is an array"),
                new("required", Names, "Fields that must be there and not null") { Default = "[]" },
            ],
        },
        new("filter", "Keeps the items for which a condition holds", CollectionTransforms.Filter)
        {
            Input = AnArray,
            Parameters = [new("condition", Expression, "True for the items to keep; false, null and missing drop them") { IsRequired = true }],
        },
        new("map", "Makes a new value of each item", CollectionTransforms.Map)
        {
            Input = AnArray,
            Parameters =
            [
                new("expression", Expression, "The new value"),
                new("value", ItemValue, "The new value as JSON with ${item…} and ${index} inside"),
            ],
            ExactlyOneOf = ["expression", "value"],
        },
        new("join", "Joins the items to one text; null items are left out", TextTransforms.Join)
        {
            Input = AnArray,
            Parameters =
            [
                new("separator", Text, "What stands between two items") { Default = "\", \"" },
                new("expression", Expression, "The text of an item; needed when items are objects or arrays"),
            ],
        },
        new("sort", "Sorts items: stable, null last, numbers by value, text ordinal; booleans before numbers before text", SortTransform.Apply)
        {
            Input = AnArray,
            Parameters =
            [
                new("by", ExpressionOrList, "What to compare, or a list of {by, direction}, the most important first; default: the item itself"),
                new("direction", Choice, "asc: the least first; desc: the greatest first") { Choices = ["asc", "desc"], Default = "\"asc\"" },
            ],
        },
        new("unique", "Drops items that came before; the first stays", CollectionTransforms.Unique)
        {
            Input = AnArray,
            Parameters = [new("by", Expression, "What makes two items the same; default: the whole item")],
        },
        new("regex_extract", "Takes what a regular expression (.NET) finds; null when it finds nothing", RegexExtract.Apply)
        {
            Input = Markdown,
            Parameters =
            [
                new("pattern", LiteralText, "The regular expression, taken as written") { IsRequired = true },
                new("group", NameOrNumber, "The group to take; default: the first group, or the whole match when there is none"),
                new("all", Flag, "True: a list of all matches instead of the first match") { Default = "false" },
                new("ignore_case", Flag, "Whether upper and lower case are the same") { Default = "false" },
                new("multiline", Flag, "Whether ^ and $ stand for start and end of each line") { Default = "false" },
            ],
        },
        new("markdown_to_json", "Turns the sections of a model's markdown into JSON", MarkdownToJson.Apply)
        {
            Input = Markdown,
            Parameters =
            [
                new("sections", Headings, "Sections to take: the name of each and its heading or headings, matched loosely; default: every heading"),
                new("keys", Choice, "How headings, labels and columns become names") { Choices = ["snake_case", "as_is"], Default = "\"snake_case\"" },
            ],
        },
        new("template", "Writes a text", TextTransforms.Template)
        {
            Input = "any value, or none",
            Parameters =
            [
                new("template", TemplateText, "Text with ${…} and Handlebars over the variables") { IsRequired = true },
                new("variables", Variables, "What {{…}} reads; default: the fields of the input when it is an object"),
            ],
        },
        new("merge", "Merges objects into one, or arrays; the later wins", MergeTransform.Apply)
        {
            Input = "an array, or anything when 'inputs' is given",
            Parameters =
            [
                new("inputs", List, "The values to merge, null ones are left out; default: the items of the input"),
                new("mode", Choice, "deep: objects inside are merged too; shallow: the later replaces them") { Choices = ["deep", "shallow"], Default = "\"deep\"" },
                new("arrays", Choice, "What happens when both have an array: the later replaces it, or both are put together")
                {
                    Choices = ["replace", "concat"],
                    Default = "\"replace\"",
                },
            ],
        },
        new("parse_json", "Reads JSON out of text: alone, in a fence, or within prose; small slips are mended where that is certain", JsonTransforms.Parse)
        {
            Input = Markdown,
            Parameters = [new("schema", Schema, "JSON Schema that the value must fit")],
        },
        new("flatten", "Puts the items of arrays in an array into the array itself", CollectionTransforms.Flatten)
        {
            Input = AnArray,
            Parameters = [new("depth", WholeNumber, "How many levels are dissolved") { Minimum = 1, Maximum = TransformLimits.MaxDepth, Default = "1" }],
        },
        new("limit", "Takes a part of an array", CollectionTransforms.Limit)
        {
            Input = AnArray,
            Parameters =
            [
                new("count", WholeNumber, "How many items at most") { IsRequired = true },
                new("offset", WholeNumber, "How many items are passed over first") { Default = "0" },
            ],
        },
        new("group_by", "Sorts items into groups: an object of key and items, in order of first appearance", CollectionTransforms.GroupBy)
        {
            Input = AnArray,
            Parameters = [new("by", Expression, "The key: text, a number, true or false; null and missing are the group 'null'") { IsRequired = true }],
        },
        new("pick", "Keeps some fields of an object, or of each object in an array", JsonTransforms.Pick)
        {
            Input = "an object, or an array of objects",
            Parameters =
            [
                new("fields", Names, "The fields to keep, in this order; those that are not there are left out"),
                new("omit", Names, "The fields to drop"),
            ],
            ExactlyOneOf = ["fields", "omit"],
        },
    ];
}
