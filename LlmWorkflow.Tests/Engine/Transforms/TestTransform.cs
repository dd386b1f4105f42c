using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Transforms;
using LlmWorkflow.Tests.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Transforms;

internal static class TestTransform
{
    public static JsonElement Apply(string operation, string input, string parameters) => Apply(operation, JsonElement.Parse(input), parameters);

    public static JsonElement Apply(string operation, JsonElement input, string parameters, CancellationToken cancellationToken = default) =>
        TransformCatalog.Apply(new TransformCall("my_step", operation, input, JsonElement.Parse(parameters))
        {
            Scope = TestScope.Standard,
            Prompts = new Dictionary<string, string> { ["shared/tone.md"] = "Be kind." },
            CancellationToken = cancellationToken,
        });

    public static JsonElement ApplyToText(string operation, string text, string parameters) => Apply(operation, JsonSerializer.SerializeToElement(text), parameters);

    public static JsonElement Markdown(string text, string parameters) => ApplyToText("markdown_to_json", text, parameters);

    /// <summary>The error of a call that must fail: typed, and naming operation and step.</summary>
    public static WorkflowError Fails(Func<JsonElement> apply, string operation)
    {
        WorkflowError error = Assert.Throws<WorkflowException>(() => apply()).Error;
        Assert.Equal(ErrorTypes.TransformError, error.Type);
        Assert.StartsWith($"Transform '{operation}' in step 'my_step': ", error.Message, StringComparison.Ordinal);
        Assert.Equal(operation, error.Details?.Operation);
        Assert.InRange(error.Message.Length, 1, 1000);
        return error;
    }

    public static void AssertJson(string expected, JsonElement actual) =>
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), actual), $"Expected {expected}\nActual   {actual.GetRawText()}");
}
