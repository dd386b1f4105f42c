using System.Runtime.InteropServices;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Outputs that are put together from others, and the bound on all of them.</summary>
internal static class StepOutput
{
    /// <summary>
    /// Largest output of a step, in bytes of JSON. Sixteen times the largest input: what is more than that is data to keep elsewhere, and a worker that
    /// holds hundreds of jobs must not run out of memory by one of them.
    /// </summary>
    public const int MaxBytes = 16 * 1024 * 1024;

    /// <summary>The result that <paramref name="write"/> writes.</summary>
    public static StepResult Of(Action<Utf8JsonWriter> write) => StepResult.Success(JsonValues.Write(write));

    /// <summary>The value; null for a missing one.</summary>
    public static void WriteOrNull(Utf8JsonWriter writer, JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.Undefined)
        {
            writer.WriteNullValue();
        }
        else
        {
            value.WriteTo(writer);
        }
    }

    /// <summary>Bytes of a value's JSON.</summary>
    public static int Bytes(JsonElement value) => value.ValueKind is JsonValueKind.Undefined ? 0 : JsonMarshal.GetRawUtf8Value(value).Length;

    /// <summary>The output is larger than <see cref="MaxBytes"/>.</summary>
    public static WorkflowError TooLarge(string stepId) => new()
    {
        Type = ErrorTypes.LimitExceeded,
        Category = ErrorCategory.User,
        Message = $"The output of step '{stepId}' is larger than {MaxBytes / 1024 / 1024} MiB.",
        StepId = stepId,
        Details = new() { Suggestions = ["Keep only what later steps need, for example with a 'pick' or 'limit' transform."] },
    };
}
