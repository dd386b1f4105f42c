using LlmWorkflow.Engine.Diagnostics;
using static LlmWorkflow.Tests.Engine.Transforms.TestTransform;

namespace LlmWorkflow.Tests.Engine.Transforms;

public sealed class ExtractFieldsTests
{
    private const string Place = """{"displayName": {"text": "Café"}, "types": ["hospital", "health"], "at": "2026-01-02T03:04:05Z", "lat": 39.5290, "open": null}""";

    [Theory]
    [InlineData("[" + Place + "]", """{"fields": {"name": "$.displayName.text", "phone": "nationalPhoneNumber", "open": "$.open"}}""", """[{"name": "Café", "phone": null, "open": null}]""")]
    [InlineData(Place, """{"fields": {"first": "$.types[0]", "all": "$.types", "any": "$..text"}}""", """{"first": "hospital", "all": ["hospital", "health"], "any": "Café"}""")]
    [InlineData(Place, """{"fields": {"at": "$.at", "lat": "$.lat"}}""", """{"at": "2026-01-02T03:04:05Z", "lat": 39.5290}""")]
    [InlineData("[[1, 2], [3]]", """{"fields": {"second": "$[1]"}, "each": false}""", """{"second": [3]}""")]
    [InlineData("""[{"x": [{"k": 1, "v": "a"}, {"k": 2, "v": "b"}]}]""", """{"fields": {"v": "$.x[?(@.k == 2)].v"}}""", """[{"v": "b"}]""")]
    [InlineData("[]", """{"fields": {"a": "$.a"}}""", "[]")]
    [InlineData("[1]", """{"fields": {"self": "$", "a": "$.a"}}""", """[{"self": 1, "a": null}]""")]
    public void Apply_Fields_AreExtracted(string input, string parameters, string expected) => AssertJson(expected, Apply("extract_fields", input, parameters));

    [Theory]
    [InlineData("[{}]", """{"fields": {"a": "$.a"}, "required": ["a"]}""", "the required field 'a' is not there at '$.a'; it is {}")]
    [InlineData("[]", """{"fields": {"a": "$.a"}, "required": ["b"]}""", "'required' names 'b'")]
    [InlineData("{}", """{"fields": {"a": "$.a"}, "each": true}""", "'each' needs an array")]
    [InlineData("null", """{"fields": {"a": "$.a"}}""", "there is no input")]
    [InlineData("{}", "{}", "'fields' must be an object of names and JSONPaths; it is nothing")]
    [InlineData("{}", """{"fields": {"a": 1}}""", "field 'a' must be a JSONPath")]
    [InlineData("{}", """{"fields": {"a": "$["}}""", "field 'a' has a path that does not work")]
    [InlineData("{}", """{"fields": {"a": "$.a"}, "each": "yes"}""", "'each' must be true or false")]
    public void Apply_Wrong_NamesOperationStepAndValue(string input, string parameters, string message)
    {
        WorkflowException exception = Assert.Throws<WorkflowException>(() => Apply("extract_fields", input, parameters));

        Assert.StartsWith("Transform 'extract_fields' in step 'my_step': ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Apply_HugeOffendingValue_IsShortened()
    {
        WorkflowException exception = Assert.Throws<WorkflowException>(() =>
            Apply("extract_fields", $$"""{"long": "{{new string('x', 10_000)}}"}""", """{"fields": {"a": "$.a"}, "required": ["a"]}"""));

        Assert.InRange(exception.Message.Length, 1, 400);
    }

    [Fact]
    public void Apply_UnknownOperation_NamesNearest()
    {
        WorkflowException exception = Assert.Throws<WorkflowException>(() => Apply("extract_field", "{}", "{}"));

        Assert.Contains("'extract_fields'", exception.Message, StringComparison.Ordinal);
    }
}
