using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Engine.Submission;

/// <summary>Raises caps on cost of jobs; a job that waits for it goes on where it stood.</summary>
public sealed class JobBudgets(BudgetStore budgets, JobStream stream, JobEventBus events)
{
    /// <summary>Raises a cap; null: no such job (for this user).</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="userId">With it, another user's job is not found.</param>
    /// <param name="stepPath">A step whose cap the job waits for; null: the job's own cap.</param>
    /// <param name="usd">The new cap.</param>
    /// <param name="cancellationToken">Stops before the write.</param>
    public async Task<JobBudget?> IncreaseAsync(Guid jobId, Guid? userId, string? stepPath, decimal usd, CancellationToken cancellationToken)
    {
        var budget = await budgets.IncreaseAsync(jobId, userId, stepPath, usd, cancellationToken);
        if (budget is { Wakes: true })
        {
            await stream.AddAsync([new(jobId, budget.Priority)]);
            events.Nudge(jobId);
        }

        return budget;
    }
}
