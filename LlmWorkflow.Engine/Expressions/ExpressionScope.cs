using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>What <c>${…}</c> sees: roots by name. <see cref="JsonValueKind.Undefined"/> stands for a missing value everywhere.</summary>
public sealed class ExpressionScope
{
    /// <summary>The job's input.</summary>
    public required JsonElement Input { get; init; }

    /// <summary><c>job_id</c>, <c>workflow_name</c>, <c>user_id</c>, <c>username</c>, <c>action</c>, <c>attempt</c>, <c>now</c>, and the file's variables.</summary>
    public required IReadOnlyDictionary<string, JsonElement> Context { get; init; }

    /// <summary>Finished steps by id.</summary>
    public required IReadOnlyDictionary<string, StepValue> Steps { get; init; }

    /// <summary>Names bound around the step: in <c>foreach</c> the item and <c>index</c>.</summary>
    public IReadOnlyDictionary<string, JsonElement> Locals { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>The same scope with further names, which hide earlier ones.</summary>
    public ExpressionScope With(params ReadOnlySpan<KeyValuePair<string, JsonElement>> locals)
    {
        Dictionary<string, JsonElement> names = new(Locals, StringComparer.Ordinal);
        foreach ((string name, JsonElement value) in locals)
        {
            names[name] = value;
        }

        return new ExpressionScope { Input = Input, Context = Context, Steps = Steps, Locals = names };
    }
}

/// <summary>What can be read of a finished step. Any other name than these reads from the output.</summary>
public sealed record StepValue
{
    /// <summary><c>completed</c>, <c>failed</c> or <c>skipped</c>.</summary>
    public required string Status { get; init; }

    /// <summary>The output; Undefined when there is none.</summary>
    public JsonElement Output { get; init; }

    /// <summary>The error object; Undefined when there is none.</summary>
    public JsonElement Error { get; init; }

    /// <summary>Tokens and cost; Undefined when it made no call.</summary>
    public JsonElement Usage { get; init; }

    /// <summary>Milliseconds.</summary>
    public long DurationMs { get; init; }

    /// <summary>Which branch a <c>conditional</c> took: a name, a case's index, or null; Undefined for other steps.</summary>
    public JsonElement Branch { get; init; }
}
