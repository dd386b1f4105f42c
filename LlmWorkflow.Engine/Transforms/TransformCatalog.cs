using System.Collections.Frozen;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>A transform as definitions know it.</summary>
/// <param name="Apply">The pure function.</param>
/// <param name="Parameters">Names of its parameters, besides <c>operation</c> and <c>input</c>.</param>
/// <param name="Required">Those that must be given.</param>
internal sealed record Transform(Func<TransformCall, JsonElement> Apply, IReadOnlyList<string> Parameters, IReadOnlyList<string> Required);

/// <summary>The operations of transform steps, by name.</summary>
internal static class TransformCatalog
{
    private static readonly FrozenDictionary<string, Transform> s_transforms = new Dictionary<string, Transform>
    {
        ["extract_fields"] = new(ExtractFields.Apply, ["fields", "each", "required"], ["fields"]),
        ["markdown_to_json"] = new(MarkdownToJson.Apply, ["sections", "keys"], []),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>All names.</summary>
    public static IReadOnlyCollection<string> Names => s_transforms.Keys;

    /// <summary>The operation of that name; null when there is none.</summary>
    public static Transform? Find(string name) => s_transforms.GetValueOrDefault(name);

    /// <summary>Applies one operation.</summary>
    /// <exception cref="WorkflowException">The operation is unknown, or it cannot work on these values.</exception>
    public static JsonElement Apply(TransformCall call) => Find(call.Operation) is { } transform
        ? transform.Apply(call)
        : throw new WorkflowException(new WorkflowError
        {
            Type = ErrorTypes.TransformError,
            Category = ErrorCategory.Config,
            Message = $"Step '{call.StepId}': there is no transform '{call.Operation}'. {NearestNames.Suggest(call.Operation, Names)}",
            StepId = call.StepId,
            Details = new ErrorDetails { Operation = call.Operation },
        });
}
