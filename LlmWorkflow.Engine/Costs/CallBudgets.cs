namespace LlmWorkflow.Engine.Costs;

/// <summary>The caps that hold for a call, beside the job's own, which is in the job's row.</summary>
/// <param name="Steps">Caps of the step and of the steps around it.</param>
/// <param name="Days">Totals of the day that the call counts in, sorted by scope; those without a cap too.</param>
public sealed record CallBudgets(IReadOnlyList<StepBudget> Steps, IReadOnlyList<DailyBudget> Days)
{
    /// <summary>No caps.</summary>
    public static CallBudgets None { get; } = new([], []);

    /// <summary>The caps that hold for a call of a job.</summary>
    /// <param name="steps">Caps of the step and of the steps around it.</param>
    /// <param name="limits">The caps per day.</param>
    /// <param name="workflow">The job's workflow.</param>
    /// <param name="user">The job's user.</param>
    public static CallBudgets Of(IReadOnlyList<StepBudget> steps, SpendLimits limits, string workflow, Guid? user)
    {
        ArgumentNullException.ThrowIfNull(limits);
        List<DailyBudget> days = [];
        if (user is { } id)
        {
            days.Add(new($"user:{id:D}", limits.User(id)));
        }

        days.Add(new($"workflow:{workflow}", limits.Workflow(workflow)));
        return new(steps, days);
    }
}

/// <summary>The cap of a step, the steps inside it included.</summary>
/// <param name="StepPath">The step's place in the run.</param>
/// <param name="CapUsd">Most USD.</param>
public readonly record struct StepBudget(string StepPath, decimal CapUsd);

/// <summary>A total of one UTC day.</summary>
/// <param name="Scope"><c>user:ID</c> or <c>workflow:NAME</c>.</param>
/// <param name="CapUsd">Most USD; null: no cap.</param>
public readonly record struct DailyBudget(string Scope, decimal? CapUsd);

/// <summary>A cap and what stands against it.</summary>
/// <param name="Scope"><c>job</c>, <c>step:PATH</c>, <c>user:ID</c> or <c>workflow:NAME</c>; the last two per UTC day.</param>
/// <param name="CapUsd">Most USD.</param>
/// <param name="SpentUsd">USD of calls that have ended.</param>
/// <param name="HeldUsd">USD held for calls in flight, and for calls whose cost is not known.</param>
public sealed record BudgetState(string Scope, decimal CapUsd, decimal SpentUsd, decimal HeldUsd)
{
    /// <summary>The cap is one of the day's, which rises at midnight UTC or in <c>limits.json</c>.</summary>
    public bool IsDaily => Scope.StartsWith("user:", StringComparison.Ordinal) || Scope.StartsWith("workflow:", StringComparison.Ordinal);
}

/// <summary>What became of a reservation.</summary>
public enum ReserveOutcome
{
    /// <summary>The row is written: the call may be made.</summary>
    Reserved,

    /// <summary>The job is another owner's, or the call's key is taken.</summary>
    Lost,

    /// <summary>The reply to the same question is known.</summary>
    Cached,

    /// <summary>Another call is about to answer the same question.</summary>
    BeingAnswered,

    /// <summary>A cap would be exceeded.</summary>
    OverBudget,

    /// <summary>A cap would be exceeded while calls are in flight whose worst case is held against it.</summary>
    Blocked,

    /// <summary>There is a cap, and the model has no price.</summary>
    Unpriced,
}

/// <summary>Answer to a reservation.</summary>
/// <param name="Outcome">What became of it.</param>
public sealed record ReserveResult(ReserveOutcome Outcome)
{
    /// <summary>The cap that stands in the way; null for outcomes that are no matter of caps.</summary>
    public BudgetState? Budget { get; init; }

    /// <summary>How often caps of the job have been raised; null: they cannot be, there is no server.</summary>
    public int? BudgetRaises { get; init; }

    /// <summary>The known reply of <see cref="ReserveOutcome.Cached"/>; else Undefined.</summary>
    public System.Text.Json.JsonElement Reply { get; init; }
}

/// <summary>The question that a call answers, whose reply is kept for others.</summary>
/// <param name="Key">Lower-case hex SHA-256 of the question and of those who may have the reply.</param>
/// <param name="MaxAge">Oldest reply that is taken.</param>
public sealed record ReplyQuestion(string Key, TimeSpan MaxAge);
