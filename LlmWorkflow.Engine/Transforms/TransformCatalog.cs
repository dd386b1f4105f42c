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
    /// <exception cref="WorkflowException">The operation is unknown, or it cannot work on these values; the type is <see cref="ErrorTypes.TransformError"/>.</exception>
    public static JsonElement Apply(TransformCall call)
    {
        if (Find(call.Operation) is not { } transform)
        {
            throw Unknown(call);
        }

        try
        {
            call.CheckSize(call.Input, "the input");
            return transform.Apply(call);
        }
        catch (WorkflowException exception) when (exception.Error.Type != ErrorTypes.TransformError)
        {
            throw call.Fault(exception);
        }
        // A text with half a surrogate pair in it, or a result nested beyond what can be written.
        catch (Exception exception) when (exception is InvalidOperationException or JsonException)
        {
            throw call.Fault($"the values cannot be read or written ({exception.Message.TrimEnd('.')})", call.Input);
        }
    }

    private static WorkflowException Unknown(TransformCall call) => new(new WorkflowError
    {
        Type = ErrorTypes.TransformError,
        Category = ErrorCategory.Config,
        Message = $"Step '{call.StepId}': there is no transform '{call.Operation}'. {NearestNames.Suggest(call.Operation, Names)}",
        StepId = call.StepId,
        Details = new ErrorDetails { Operation = call.Operation },
    });
}
