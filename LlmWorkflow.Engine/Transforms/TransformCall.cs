using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>One application of a transform: what it reads, its parameters, and who asks (for errors).</summary>
/// <param name="StepId">The step.</param>
/// <param name="Operation">The operation's name.</param>
/// <param name="Input">The value to change; Undefined when there is none.</param>
/// <param name="Parameters">An object with the parameters as the definition has them, <c>${…}</c> not resolved.</param>
internal sealed record TransformCall(string StepId, string Operation, JsonElement Input, JsonElement Parameters)
{
    private const int LongestShown = 200;

    /// <summary>What <c>${…}</c> sees.</summary>
    public required ExpressionScope Scope { get; init; }

    /// <summary>The workflow's prompts, for includes in <c>template</c>.</summary>
    public IReadOnlyDictionary<string, string> Prompts { get; init; } = new Dictionary<string, string>();

    /// <summary>Looked at between items.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>A parameter, resolved unless its kind says that the operation does it; Undefined when it is not given.</summary>
    /// <exception cref="WorkflowException">A <c>${…}</c> in it is malformed or has no value.</exception>
    public JsonElement Parameter(string name)
    {
        if (Parameters.ValueKind != JsonValueKind.Object || !Parameters.TryGetProperty(name, out JsonElement value))
        {
            return default;
        }

        return Describe(name).IsResolvedBefore ? TemplateResolver.Resolve(value, Scope) : value;
    }

    /// <summary>What the table says of a parameter of this operation.</summary>
    public TransformParameter Describe(string name) => TransformCatalog.Find(Operation)!.Parameters.First(parameter => parameter.Name == name);

    /// <summary>The error of this call.</summary>
    /// <param name="problem">What is wrong, without a full stop.</param>
    /// <param name="offending">The value that is wrong; it is shown shortened.</param>
    /// <param name="cause">The error underneath, whose category and suggestions are kept.</param>
    public WorkflowException Fault(string problem, JsonElement offending, WorkflowException? cause = null)
    {
        string shown = Show(offending);
        return Fault($"{problem}; it is {shown}.", cause, JsonValues.String(shown));
    }

    /// <summary>The same error as one of this call.</summary>
    public WorkflowException Fault(WorkflowException cause) => Fault(cause.Message, cause, cause.Error.Details?.Inputs);

    private WorkflowException Fault(string sentence, WorkflowException? cause, JsonElement? inputs) => new(
        new WorkflowError
        {
            Type = ErrorTypes.TransformError,
            Category = cause?.Error.Category ?? ErrorCategory.Config,
            Message = $"Transform '{Operation}' in step '{StepId}': {sentence}",
            StepId = StepId,
            Details = new ErrorDetails { Operation = Operation, Inputs = inputs, Suggestions = cause?.Error.Details?.Suggestions ?? [] },
        },
        cause);

    private static string Show(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Undefined)
        {
            return "nothing";
        }

        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(value);
        // A value may have megabytes; the start of it is enough.
        string text = Encoding.UTF8.GetString(raw[..Math.Min(raw.Length, 4 * LongestShown)]);
        return text.Length <= LongestShown ? text : text[..(char.IsHighSurrogate(text[LongestShown - 1]) ? LongestShown - 1 : LongestShown)] + "…";
    }
}
