using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>One application of a transform: what it reads, its parameters, and who asks (for errors).</summary>
/// <param name="StepId">The step.</param>
/// <param name="Operation">The operation's name.</param>
/// <param name="Input">The value to change.</param>
/// <param name="Parameters">An object, with <c>${…}</c> already resolved.</param>
internal sealed record TransformCall(string StepId, string Operation, JsonElement Input, JsonElement Parameters)
{
    private const int LongestShown = 200;

    /// <summary>A parameter; Undefined when it is not given.</summary>
    public JsonElement Parameter(string name) =>
        Parameters.ValueKind == JsonValueKind.Object && Parameters.TryGetProperty(name, out JsonElement value) ? value : default;

    /// <summary>A parameter that is true or false; null when it is not given.</summary>
    /// <exception cref="WorkflowException">It is something else.</exception>
    public bool? Flag(string name)
    {
        JsonElement value = Parameter(name);
        return value.ValueKind switch
        {
            JsonValueKind.Undefined or JsonValueKind.Null => null,
            JsonValueKind.True or JsonValueKind.False => value.GetBoolean(),
            _ => throw Fault($"'{name}' must be true or false", value),
        };
    }

    /// <summary>The error of this call.</summary>
    /// <param name="problem">What is wrong, without a full stop.</param>
    /// <param name="offending">The value that is wrong; it is shown shortened.</param>
    public WorkflowException Fault(string problem, JsonElement offending)
    {
        string shown = offending.ValueKind == JsonValueKind.Undefined ? "nothing" : JsonValues.ToJson(offending);
        shown = shown.Length <= LongestShown ? shown : shown[..LongestShown] + "…";
        return new WorkflowException(new WorkflowError
        {
            Type = ErrorTypes.TransformError,
            Category = ErrorCategory.Config,
            Message = $"Transform '{Operation}' in step '{StepId}': {problem}; it is {shown}.",
            StepId = StepId,
            Details = new ErrorDetails { Operation = Operation, Inputs = JsonValues.String(shown) },
        });
    }
}
