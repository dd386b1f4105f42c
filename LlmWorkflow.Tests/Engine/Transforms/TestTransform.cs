using System.Text.Json;
using LlmWorkflow.Engine.Transforms;

namespace LlmWorkflow.Tests.Engine.Transforms;

internal static class TestTransform
{
    public static JsonElement Apply(string operation, string input, string parameters) =>
        TransformCatalog.Apply(new TransformCall("my_step", operation, JsonElement.Parse(input), JsonElement.Parse(parameters)));

    public static JsonElement Markdown(string text, string parameters) =>
        TransformCatalog.Apply(new TransformCall("my_step", "markdown_to_json", JsonSerializer.SerializeToElement(text), JsonElement.Parse(parameters)));

    public static void AssertJson(string expected, JsonElement actual) =>
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), actual), $"Expected {expected}\nActual   {actual.GetRawText()}");
}
