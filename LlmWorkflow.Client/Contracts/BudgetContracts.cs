using System.Text.Json.Serialization;

namespace LlmWorkflow.Client.Contracts;

/// <summary>Raises a cap on a job's cost.</summary>
public sealed record BudgetRequest
{
    /// <summary>The new cap in USD, above the present one.</summary>
    public required decimal MaxCostUsd { get; init; }

    /// <summary>A step whose own cap is raised: one that has been started (<c>step_path</c> in <c>waiting_for</c> or in its events); null: the job's cap.</summary>
    public string? StepPath { get; init; }
}

/// <summary>A job's cap, and what stands against it.</summary>
public sealed record BudgetResponse
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>The job's state now: <c>queued</c> when it waited for the budget.</summary>
    public required string Status { get; init; }

    /// <summary>The job's cap in USD; null: it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public decimal? MaxCostUsd { get; init; }

    /// <summary>USD of calls that have ended.</summary>
    public required decimal SpentUsd { get; init; }

    /// <summary>USD held for calls in flight, and for calls whose cost is not known.</summary>
    public required decimal HeldUsd { get; init; }
}
