using System.Collections.Frozen;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>The operations of transform steps, by name.</summary>
internal static class TransformCatalog
{
    private static readonly FrozenDictionary<string, Transform> s_transforms = TransformTable.All.ToFrozenDictionary(transform => transform.Name, StringComparer.Ordinal);

    /// <summary>All operations, in the order in which docs show them.</summary>
    public static IReadOnlyList<Transform> All => TransformTable.All;

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
