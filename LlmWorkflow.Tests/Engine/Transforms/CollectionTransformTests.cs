using System.Globalization;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using static LlmWorkflow.Tests.Engine.Transforms.TestTransform;

namespace LlmWorkflow.Tests.Engine.Transforms;

public sealed class CollectionTransformTests
{
    private const string People = """[{"n": "Ann", "age": 40}, {"n": "Bob"}, {"n": "Cid", "age": 7}, {"n": "Dot", "age": 40.0}]""";

    [Theory]
    // filter
    [InlineData("filter", People, """{"condition": "item.age > 18"}""", """[{"n": "Ann", "age": 40}, {"n": "Dot", "age": 40.0}]""")]
    [InlineData("filter", People, """{"condition": "${item.age != null && index > 0}"}""", """[{"n": "Cid", "age": 7}, {"n": "Dot", "age": 40.0}]""")]
    [InlineData("filter", """[{"ok": true}, {"ok": null}, {}, {"ok": false}]""", """{"condition": "item.ok"}""", """[{"ok": true}]""")]
    [InlineData("filter", "[1, 2]", """{"condition": "input.yes"}""", "[1, 2]")]
    [InlineData("filter", "[]", """{"condition": "item.x"}""", "[]")]
    // map
    [InlineData("map", People, """{"expression": "item.n"}""", """["Ann", "Bob", "Cid", "Dot"]""")]
    [InlineData("map", "[3, 4]", """{"expression": "item * 2 + index"}""", "[6, 9]")]
    [InlineData("map", People, """{"expression": "item.age ?? 0"}""", "[40, 0, 7, 40.0]")]
    [InlineData("map", """[{"a": 1}, {"a": [2]}]""", """{"value": {"is": "${item.a}", "text": "#${index}: ${item.a} in ${input.city}", "fixed": [true, null]}}""",
        """[{"is": 1, "text": "#0: 1 in Reno", "fixed": [true, null]}, {"is": [2], "text": "#1: [2] in Reno", "fixed": [true, null]}]""")]
    [InlineData("map", "[1, 2]", """{"value": null}""", "[null, null]")]
    [InlineData("map", """["${input.city}"]""", """{"expression": "item"}""", """["${input.city}"]""")]
    // unique
    [InlineData("unique", """[1, 1.0, "1", {"a": 1, "b": [2]}, {"b": [2e0], "a": 1}, null, null, 10e-1, true]""", "{}", """[1, "1", {"a": 1, "b": [2]}, null, true]""")]
    [InlineData("unique", People, """{"by": "item.age"}""", """[{"n": "Ann", "age": 40}, {"n": "Bob"}, {"n": "Cid", "age": 7}]""")]
    [InlineData("unique", """["ab", "AB", "a\u0062"]""", "{}", """["ab", "AB"]""")]
    [InlineData("unique", "[1e99999999999999999999, 1e99999999999999999999, -0, 0, -0.50, -5e-1]", "{}", "[1e99999999999999999999, -0, -0.50]")]
    // flatten
    [InlineData("flatten", "[1, [2, [3, [4]]], [], [[5]]]", "{}", "[1, 2, [3, [4]], [5]]")]
    [InlineData("flatten", "[1, [2, [3, [4]]], [], [[5]]]", """{"depth": 2}""", "[1, 2, 3, [4], 5]")]
    [InlineData("flatten", "[1, [2, [3, [4]]]]", """{"depth": 128}""", "[1, 2, 3, 4]")]
    // limit
    [InlineData("limit", "[1, 2, 3, 4]", """{"count": 2}""", "[1, 2]")]
    [InlineData("limit", "[1, 2, 3, 4]", """{"count": 2, "offset": 3}""", "[4]")]
    [InlineData("limit", "[1, 2, 3, 4]", """{"count": "${input.count}", "offset": 1.0}""", "[2, 3, 4]")]
    [InlineData("limit", "[1]", """{"count": 0}""", "[]")]
    [InlineData("limit", "[1]", """{"count": 9, "offset": 9}""", "[]")]
    // group_by
    [InlineData("group_by", People, """{"by": "item.age"}""",
        """{"40": [{"n": "Ann", "age": 40}, {"n": "Dot", "age": 40.0}], "null": [{"n": "Bob"}], "7": [{"n": "Cid", "age": 7}]}""")]
    [InlineData("group_by", """["b", "a", "b"]""", """{"by": "item"}""", """{"b": ["b", "b"], "a": ["a"]}""")]
    [InlineData("group_by", "[true, false, true]", """{"by": "${item}"}""", """{"true": [true, true], "false": [false]}""")]
    [InlineData("group_by", "[]", """{"by": "item"}""", "{}")]
    public void Apply_Items_GiveValue(string operation, string input, string parameters, string expected) => Assert.Equal(Compact(expected), Compact(Apply(operation, input, parameters).GetRawText()));

    private static string Compact(string json) => json.Replace(" ", "", StringComparison.Ordinal);

    [Theory]
    [InlineData("filter", "{}", """{"condition": "true"}""", "'filter' needs an array as input; it is {}")]
    [InlineData("sort", "\"x\"", "{}", "'sort' needs an array as input; it is \"x\"")]
    [InlineData("filter", "[]", "{}", "'condition' is not given")]
    [InlineData("filter", "[]", """{"condition": "item."}""", "'condition' is no expression (")]
    [InlineData("filter", "[]", """{"condition": true}""", "'condition' must be an expression in a string; it is true")]
    [InlineData("filter", "[1]", """{"condition": "item"}""", "'condition' does not work on item 0: ")]
    [InlineData("map", """[{"a": 1}, {"b": 2}]""", """{"expression": "item.a"}""", "on item 1: ${item.a} has no value")]
    [InlineData("map", """[{"a": 1}, {"b": 2}]""", """{"value": {"x": "${item.a}"}}""", "'value' does not work on item 1: ${item.a} has no value")]
    [InlineData("map", "[]", "{}", "either 'expression' or 'value'")]
    [InlineData("map", "[]", """{"expression": "item", "value": 1}""", "either 'expression' or 'value'")]
    [InlineData("flatten", "[]", """{"depth": 0}""", "'depth' must be a whole number from 1 to 128; it is 0")]
    [InlineData("limit", "[]", "{}", "'count' must be a whole number of at least 0; it is nothing")]
    [InlineData("limit", "[]", """{"count": 1.5}""", "'count' must be a whole number of at least 0; it is 1.5")]
    [InlineData("limit", "[]", """{"count": 1, "offset": -1}""", "'offset' must be a whole number of at least 0; it is -1")]
    [InlineData("limit", "[]", """{"count": "${input.coutn}"}""", "Did you mean 'count'?")]
    [InlineData("group_by", "[1]", "{}", "'by' is not given")]
    [InlineData("group_by", "[[1]]", """{"by": "item"}""", "'by' must give text, a number, true, false or null; it is [1]")]
    public void Apply_Wrong_NamesOperationStepAndValue(string operation, string input, string parameters, string message) =>
        Assert.Contains(message, Fails(() => Apply(operation, input, parameters), operation).Message, StringComparison.Ordinal);

    [Fact]
    public void GroupBy_Keys_KeepOrderOfFirstAppearance() =>
        Assert.Equal(["b", "1", "a"], Apply("group_by", """["b", 1, "a", "b", "1"]""", """{"by": "item"}""").EnumerateObject().Select(group => group.Name));

    [Fact]
    public void Unique_RandomItems_IsIdempotentAndAgreesWithDeepEquality() => Prop.ForAll(RandomJson.Arrays(), items =>
    {
        JsonElement once = Apply("unique", items, "{}");
        List<JsonElement> kept = [];
        foreach (JsonElement item in items.EnumerateArray().Where(item => !kept.Exists(other => JsonElement.DeepEquals(other, item))))
        {
            kept.Add(item);
        }

        Assert.Equal(kept.Select(item => item.GetRawText()), once.EnumerateArray().Select(item => item.GetRawText()));
        Assert.Equal(once.GetRawText(), Apply("unique", once, "{}").GetRawText());
    }).Check(RandomJson.Config);

    [Fact]
    public void Limit_RandomPieces_MakeTheWhole() => Prop.ForAll(RandomJson.Arrays(), Gen.Choose(0, 8).ToArbitrary(), (items, at) =>
    {
        string head = Apply("limit", items, $$"""{"count": {{at}}}""").GetRawText();
        string tail = Apply("limit", items, $$"""{"count": 2147483647, "offset": {{at}}}""").GetRawText();

        AssertJson(items.GetRawText(), Apply("flatten", $"[{head}, {tail}]", "{}"));
        Assert.Equal(Math.Min(at, items.GetArrayLength()), JsonElement.Parse(head).GetArrayLength());
    }).Check(RandomJson.Config);

    [Fact]
    public void Flatten_RandomArrays_DepthsAddUp() => Prop.ForAll(RandomJson.Arrays(), Gen.Choose(1, 4).ToArbitrary(), (items, depth) =>
    {
        JsonElement step = items;
        for (int i = 0; i < depth; i++)
        {
            step = Apply("flatten", step, "{}");
        }

        Assert.Equal(step.GetRawText(), Apply("flatten", items, string.Create(CultureInfo.InvariantCulture, $$"""{"depth": {{depth}}}""")).GetRawText());
        Assert.DoesNotContain(Apply("flatten", items, """{"depth": 128}""").EnumerateArray(), item => item.ValueKind == JsonValueKind.Array);
    }).Check(RandomJson.Config);
}
