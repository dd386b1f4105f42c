using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using static LlmWorkflow.Tests.Engine.Transforms.TestTransform;

namespace LlmWorkflow.Tests.Engine.Transforms;

public sealed class MergeTransformTests
{
    [Theory]
    [InlineData("""[{"a": 1, "b": {"x": 1}}, {"b": {"y": 2}, "c": 3}]""", "", """{"a": 1, "b": {"x": 1, "y": 2}, "c": 3}""")]
    [InlineData("""[{"a": 1, "b": {"x": 1}}, {"b": {"y": 2}, "c": 3}]""", """, "mode": "shallow" """, """{"a": 1, "b": {"y": 2}, "c": 3}""")]
    [InlineData("""[{"a": [1], "b": {"l": [1]}}, {"a": [2], "b": {"l": [2]}}]""", "", """{"a": [2], "b": {"l": [2]}}""")]
    [InlineData("""[{"a": [1], "b": {"l": [1]}}, {"a": [2], "b": {"l": [2]}}]""", """, "arrays": "concat" """, """{"a": [1, 2], "b": {"l": [1, 2]}}""")]
    [InlineData("""[{"a": [1], "b": {"l": [1]}}, {"a": [2], "b": {"l": [2]}}]""", """, "arrays": "concat", "mode": "shallow" """, """{"a": [1, 2], "b": {"l": [2]}}""")]
    [InlineData("""[{"a": {"x": 1}}, {"a": 5}, {"a": {"y": 2}}]""", "", """{"a": {"y": 2}}""")]
    [InlineData("""[{"a": 1}, {"a": null}]""", "", """{"a": null}""")]
    [InlineData("""[null, {"a": 1}, null]""", "", """{"a": 1}""")]
    [InlineData("""["${steps.fetch.data}", "${input['odd key']}"]""", "", """{"places": [1, 2], "x-y": 7}""")]
    [InlineData("""[[1], [2, 3]]""", """, "arrays": "concat" """, "[1, 2, 3]")]
    [InlineData("""[[1], [2, 3]]""", "", "[2, 3]")]
    [InlineData("[]", "", "{}")]
    public void Apply_Inputs_AreMerged(string inputs, string options, string expected) => AssertJson(expected, Apply("merge", "0", $$"""{"inputs": {{inputs}}{{options}}}"""));

    [Fact]
    public void Apply_WithoutInputs_MergesItemsOfInput() => AssertJson("""{"a": 1, "b": 2}""", Apply("merge", """[{"a": 0, "b": 2}, {"a": 1}]""", "{}"));

    [Theory]
    [InlineData("""{"inputs": [{}, 3]}""", "'merge' needs objects, or only arrays; it is 3")]
    [InlineData("""{"inputs": [{}, []]}""", "'merge' needs objects, or only arrays; it is []")]
    [InlineData("""{"inputs": {}}""", "'inputs' must be a list of values")]
    [InlineData("""{"inputs": [], "mode": "depe"}""", "'mode' must be \"deep\" or \"shallow\"; it is \"depe\"")]
    [InlineData("{}", "'merge' needs an array as input; it is 0")]
    public void Apply_Wrong_NamesOperationStepAndValue(string parameters, string message) =>
        Assert.Contains(message, Fails(() => Apply("merge", "0", parameters), "merge").Message, StringComparison.Ordinal);

    [Fact]
    public void Apply_EmptyObject_IsIdentity() => Prop.ForAll(RandomJson.Objects(), Options(), (value, options) =>
    {
        AssertJson(value.GetRawText(), Merge(options, "{}", value.GetRawText()));
        AssertJson(value.GetRawText(), Merge(options, value.GetRawText(), "{}"));
        AssertJson(value.GetRawText(), Merge(options, value.GetRawText()));
    }).Check(RandomJson.Config);

    [Fact]
    public void Apply_Three_IsTheSameAsOneAfterTheOther() => Prop.ForAll(RandomJson.Objects(), RandomJson.Objects(), RandomJson.Objects(), (a, b, c) =>
    {
        foreach (string options in s_options)
        {
            string two = Merge(options, a.GetRawText(), b.GetRawText()).GetRawText();
            AssertJson(Merge(options, two, c.GetRawText()).GetRawText(), Merge(options, a.GetRawText(), b.GetRawText(), c.GetRawText()));
        }
    }).Check(RandomJson.Config);

    // Where a name holds an object in one and something else in the other, no merge in which the later wins can be associative.
    [Fact]
    public void Apply_DeepWithReplaceOfOneShape_IsAssociative() =>
        Prop.ForAll(RandomJson.ObjectsOfOneShape(), RandomJson.ObjectsOfOneShape(), RandomJson.ObjectsOfOneShape(), (a, b, c) =>
        {
            string left = Merge("", Merge("", a.GetRawText(), b.GetRawText()).GetRawText(), c.GetRawText()).GetRawText();
            string right = Merge("", a.GetRawText(), Merge("", b.GetRawText(), c.GetRawText()).GetRawText()).GetRawText();
            AssertJson(left, JsonElement.Parse(right));
        }).Check(RandomJson.Config);

    [Fact]
    public void Apply_TwoShallow_TheLaterWins() => Prop.ForAll(RandomJson.Objects(), RandomJson.Objects(), (a, b) =>
    {
        JsonElement merged = Merge(s_options[1], a.GetRawText(), b.GetRawText());
        Assert.Equal(
            a.EnumerateObject().Concat(b.EnumerateObject()).Select(property => property.Name).ToHashSet(),
            merged.EnumerateObject().Select(property => property.Name).ToHashSet());
        Assert.All(merged.EnumerateObject(), property => Assert.Equal(
            (b.TryGetProperty(property.Name, out JsonElement later) ? later : a.GetProperty(property.Name)).GetRawText(), property.Value.GetRawText()));
    }).Check(RandomJson.Config);

    private static readonly string[] s_options = ["", """, "mode": "shallow" """, """, "arrays": "concat" """];

    private static Arbitrary<string> Options() => Gen.Elements(s_options).ToArbitrary();

    private static JsonElement Merge(string options, params string[] inputs) => Apply("merge", "0", $$"""{"inputs": [{{string.Join(",", inputs)}}]{{options}}}""");
}
