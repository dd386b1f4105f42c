using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Steps;

/// <summary>What a step executor gives back. Failure is a value; an executor throws only for cancellation and for faults of its own.</summary>
public sealed record StepResult
{
    private StepResult()
    {
    }

    /// <summary>The output; <see cref="JsonValueKind.Undefined"/> when there is none.</summary>
    public JsonElement Output { get; private init; }

    /// <summary>Why it failed; null when it did not.</summary>
    public WorkflowError? Error { get; private init; }

    /// <summary>The step cannot go on yet: it is run again when the job is taken up again.</summary>
    public bool IsParked { get; private init; }

    /// <summary>What it is parked for; empty when only the worker is leaving.</summary>
    public IReadOnlyList<StepWait> Waits { get; private init; } = [];

    /// <summary>The branch that a <c>conditional</c> took; Undefined for other steps.</summary>
    public JsonElement Branch { get; init; }

    /// <summary>Tokens and cost of the step's calls; null when it made none.</summary>
    public StepUsage? Usage { get; init; }

    /// <summary>What <c>debug_mode</c> keeps: the rendered prompt, the raw reply.</summary>
    public JsonElement Debug { get; init; }

    /// <summary>Whether it failed.</summary>
    public bool IsFailed => Error is not null;

    /// <summary>A result with an output.</summary>
    public static StepResult Success(JsonElement output) => new() { Output = output };

    /// <summary>A result with an error.</summary>
    public static StepResult Failure(WorkflowError error) => new() { Error = error };

    /// <summary>No result yet.</summary>
    public static StepResult Parked(IReadOnlyList<StepWait> waits) => new() { IsParked = true, Waits = waits };
}

/// <summary>Tokens and cost of one step, all its calls added up.</summary>
public sealed record StepUsage
{
    /// <summary>Input tokens, cached ones included.</summary>
    public long InputTokens { get; init; }

    /// <summary>Output tokens, reasoning included.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Input plus output.</summary>
    public long TotalTokens => InputTokens + OutputTokens;

    /// <summary>USD; null when a call's price is unknown.</summary>
    public decimal? CostUsd { get; init; }

    /// <summary>Calls made.</summary>
    public int Calls { get; init; }
}
