using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>What every step has; each type adds its own in a derived record.</summary>
public abstract record StepDefinition
{
    /// <summary>Unique in the file.</summary>
    public required string Id { get; init; }

    /// <summary>The step type, for example <c>llm</c>.</summary>
    public abstract string Type { get; }

    /// <summary>For end users; the id by default.</summary>
    public string? DisplayName { get; init; }

    /// <summary>For authors.</summary>
    public string? Description { get; init; }

    /// <summary>Condition, a bare expression; false: the step is skipped. Null: it always runs.</summary>
    public string? When { get; init; }

    /// <summary>Running time of one attempt in seconds; null: only the job's timeout counts.</summary>
    public double? TimeoutSeconds { get; init; }

    /// <summary>Cap of the step in USD; null: none.</summary>
    public decimal? MaxCostUsd { get; init; }

    /// <summary>What an error does.</summary>
    public OnError OnError { get; init; }

    /// <summary>The output (Undefined: null) when <see cref="OnError"/> is <see cref="OnError.Continue"/> and the step failed.</summary>
    public JsonElement Default { get; init; }

    /// <summary>Null: one attempt.</summary>
    public RetryPolicy? Retry { get; init; }

    /// <summary>The name shown to end users.</summary>
    public string Label => DisplayName ?? Id;

    /// <summary>The lists of steps inside this one, in the order of the file; empty for steps without any.</summary>
    public virtual IReadOnlyList<StepBranch> Branches => [];
}

/// <summary>A list of steps inside a step.</summary>
/// <param name="Name">Its name: <c>then</c>, <c>else</c>, a case's index, <c>default</c>, a parallel branch's name; <c>steps</c> in a <c>foreach</c>.</param>
/// <param name="Pointer">JSON pointer of the list relative to the step, for example <c>/branches/left</c>.</param>
/// <param name="Steps">May be empty where nothing is to be done.</param>
public sealed record StepBranch(string Name, string Pointer, IReadOnlyList<StepDefinition> Steps);

/// <summary>What an error of a step does.</summary>
public enum OnError
{
    /// <summary>Ends the job.</summary>
    Fail,

    /// <summary>Goes on with <c>default</c> as output.</summary>
    Continue,

    /// <summary>Retries, then ends the job.</summary>
    Retry,
}

/// <summary>Retry of a step. Only retryable errors are retried; an upstream's <c>retry_after</c> is honoured.</summary>
public sealed record RetryPolicy
{
    /// <summary>All attempts, the first included; 1 to 20, default 3.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>Seconds before the second attempt; default 1.</summary>
    public double InitialDelaySeconds { get; init; } = 1;

    /// <summary>Growth per attempt; default 2.</summary>
    public double BackoffMultiplier { get; init; } = 2;

    /// <summary>Longest delay in seconds; default 60.</summary>
    public double MaxDelaySeconds { get; init; } = 60;

    /// <summary>Whether delays are spread at random between half and all of their length; default true.</summary>
    public bool Jitter { get; init; } = true;
}
