using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Providers;

/// <summary>A call that cannot be made yet: its job is parked, uses up no attempt, and asks again.</summary>
/// <param name="Reason">One of <see cref="WaitReason"/>.</param>
/// <param name="Until">When it may be made; null: not before somebody acts.</param>
/// <param name="Message">What it waits for, for people.</param>
internal sealed record CallWait(string Reason, DateTimeOffset? Until, string Message)
{
    /// <summary>The provider itself is paused for all of its model's calls.</summary>
    public bool IsPause { get; init; }

    /// <summary>See <see cref="StepWait.BudgetRaises"/>.</summary>
    public int? BudgetRaises { get; init; }
}
