using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using static LlmWorkflow.Tests.Engine.Transforms.TestTransform;

namespace LlmWorkflow.Tests.Engine.Transforms;

public sealed class SortTransformTests
{
    private const string People = """[{"n": "Bob", "age": 7}, {"n": "ann", "age": null}, {"n": "Cid", "age": 40}, {"n": "Dot", "age": 7.0}, {"n": "Eve"}]""";

    [Theory]
    [InlineData("[10, 9, 1e1, -1, 2.5]", "{}", "[-1, 2.5, 9, 10, 1e1]")]
    [InlineData("""["b", "B", "a", "é", "10", "9"]""", "{}", """["10", "9", "B", "a", "b", "é"]""")]
    [InlineData("""["x", null, 2, true, 1, null, false]""", "{}", """[false, true, 1, 2, "x", null, null]""")]
    [InlineData("""["x", null, 2, true]""", """{"direction": "desc"}""", """["x", 2, true, null]""")]
    [InlineData("[9007199254740993, 9007199254740992]", "{}", "[9007199254740992, 9007199254740993]")]
    [InlineData("[1e400, 1, -1e400]", "{}", "[-1e400, 1, 1e400]")]
    [InlineData("[]", "{}", "[]")]
    [InlineData("""[{"k": "1"}, {"k": "2"}]""", """{"by": "item.k", "direction": "${context.job_id == 'j-1' ? 'desc' : 'asc'}"}""", """[{"k":"2"},{"k":"1"}]""")]
    public void Apply_Values_AreOrdered(string input, string parameters, string expected) =>
        Assert.Equal(JsonElement.Parse(expected).EnumerateArray().Select(item => item.GetRawText()), Apply("sort", input, parameters).EnumerateArray().Select(item => item.GetRawText()));

    [Theory]
    [InlineData("""{"by": "item.age"}""", "Bob Dot Cid ann Eve")]
    [InlineData("""{"by": "${item.age}", "direction": "desc"}""", "Cid Bob Dot ann Eve")]
    [InlineData("""{"by": [{"by": "item.age"}, {"by": "item.n", "direction": "desc"}]}""", "Dot Bob Cid ann Eve")]
    [InlineData("""{"by": [{"by": "item.age", "direction": "asc"}, {"by": "item.n"}], "direction": "desc"}""", "Dot Bob Cid ann Eve")]
    [InlineData("""{"by": [{"by": "item.n"}]}""", "Bob Cid Dot Eve ann")]
    [InlineData("""{"by": "lower(item.n)"}""", "ann Bob Cid Dot Eve")]
    [InlineData("""{"by": "-index"}""", "Eve Dot Cid ann Bob")]
    public void Apply_By_OrdersItems(string parameters, string expected) =>
        Assert.Equal(expected, string.Join(' ', Apply("sort", People, parameters).EnumerateArray().Select(item => item.GetProperty("n").GetString())));

    [Theory]
    [InlineData("[[1]]", "{}", "there is no order among objects and arrays")]
    [InlineData("[]", """{"by": []}""", "'by' must name at least one order; it is []")]
    [InlineData("[]", """{"by": ["item.a"]}""", "'by' must be an expression, or a list of")]
    [InlineData("[]", """{"by": [{"by": "item.a", "dir": "asc"}]}""", "'by' must be an expression, or a list of")]
    [InlineData("[]", """{"by": [{"by": "item.a", "direction": "up"}]}""", "'direction' must be \"asc\" or \"desc\"; it is \"up\"")]
    [InlineData("[]", """{"direction": "up"}""", "'direction' must be \"asc\" or \"desc\"; it is \"up\"")]
    [InlineData("[]", """{"by": 1}""", "'by' must be an expression in a string")]
    public void Apply_Wrong_NamesOperationStepAndValue(string input, string parameters, string message) =>
        Assert.Contains(message, Fails(() => Apply("sort", input, parameters), "sort").Message, StringComparison.Ordinal);

    [Fact]
    public void Apply_RandomItems_IsStableOrderedAndAPermutation() => Prop.ForAll(RandomJson.Scalars(), Gen.Elements("asc", "desc").ToArbitrary(), (items, direction) =>
    {
        JsonElement numbered = Apply("map", items, """{"value": {"v": "${item}", "at": "${index}"}}""");
        List<(JsonElement Value, int At)> sorted = [.. Apply("sort", numbered, $$"""{"by": "item.v", "direction": "{{direction}}"}""").EnumerateArray()
            .Select(item => (item.GetProperty("v"), item.GetProperty("at").GetInt32()))];

        Assert.Equal(Enumerable.Range(0, items.GetArrayLength()), sorted.Select(item => item.At).Order());
        foreach (((JsonElement left, int leftAt), (JsonElement right, int rightAt)) in sorted.Zip(sorted.Skip(1)))
        {
            int order = Compare(left, right, direction == "desc" ? -1 : 1);
            Assert.True(order < 0 || (order == 0 && leftAt < rightAt), $"{left} ({leftAt}) before {right} ({rightAt}), {direction}");
        }
    }).Check(RandomJson.Config);

    private static int Compare(JsonElement left, JsonElement right, int sign)
    {
        int leftRank = Rank(left);
        int rightRank = Rank(right);
        return leftRank != rightRank ? (leftRank == 4 || rightRank == 4 ? leftRank - rightRank : sign * (leftRank - rightRank))
            : sign * leftRank switch
            {
                2 when left.TryGetDecimal(out decimal one) && right.TryGetDecimal(out decimal other) => one.CompareTo(other),
                2 => left.GetDouble().CompareTo(right.GetDouble()),
                3 => string.CompareOrdinal(left.GetString(), right.GetString()),
                _ => 0,
            };
    }

    private static int Rank(JsonElement value) => value.ValueKind switch { JsonValueKind.False => 0, JsonValueKind.True => 1, JsonValueKind.Number => 2, JsonValueKind.String => 3, _ => 4 };
}
