using LlmWorkflow.Engine.Jobs;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.Storage;

/// <summary>Caps on cost of jobs: raised in the job's row, so that one write raises the cap and wakes the job that waits for it.</summary>
public sealed class BudgetStore(Database database)
{
    // Looks only at the row that is written. A running job meets the new cap with its next call; one that is about to park sees that a cap was raised.
    private const string Wakes = """(j.status = 'waiting' and j.waiting_for::jsonb @> '[{"reason": "budget"}]')""";

    // $3: the step whose cap it is; null: the job's.
    private static readonly string s_raiseSql = $$"""
        with raised as (
            update llm_workflow_jobs j set
                max_cost_usd = case when $3 is null then $2 else j.max_cost_usd end,
                step_budgets = case when $3 is null then j.step_budgets else j.step_budgets || jsonb_build_object($3, $2) end,
                budget_raises = j.budget_raises + 1,
                {{ParkedJob.WakeWhere(Wakes)}}
            where j.id = $1 and j.status not in ('completed', 'failed', 'cancelled') and ($4 is null or j.user_id = $4)
              and case when $3 is null then j.max_cost_usd < $2
                  else coalesce((j.step_budgets ->> $3)::numeric, 0) < $2
                       and exists (select from llm_job_events e where e.job_id = j.id and e.type = 'step.started' and e.data ->> 'step_path' = $3) end
            returning j.id, j.priority, j.status, j.event_seq, j.max_cost_usd, j.total_cost_usd, j.reserved_usd, j.status = 'queued' and j.queued_at = now() as wakes
        ), events as (
            insert into llm_job_events (job_id, sequence, type, data)
            select id, event_seq, 'job.resumed', json_build_object('reason', 'budget', 'max_cost_usd', max_cost_usd) from raised where wakes
        )
        select status, max_cost_usd, total_cost_usd, reserved_usd, wakes, priority, true from raised
        """;

    private const string LookSql = """
        select status, max_cost_usd, total_cost_usd, reserved_usd, false, priority, false from llm_workflow_jobs where id = $1 and ($4 is null or user_id = $4) and $2 is not null
        """;

    /// <summary>Raises a cap. Null: no such job. A cap that is not below <paramref name="usd"/>, or that does not exist, stays as it is.</summary>
    public async Task<JobBudget?> IncreaseAsync(Guid jobId, Guid? userId, string? stepPath, decimal usd, CancellationToken cancellationToken)
    {
        foreach (var sql in (string[])[s_raiseSql, LookSql])
        {
            var found = await database.ReadAsync(
                sql,
                command =>
                {
                    command.Add(NpgsqlDbType.Uuid, jobId);
                    command.Add(NpgsqlDbType.Numeric, usd);
                    command.Add(NpgsqlDbType.Text, stepPath);
                    command.Add(NpgsqlDbType.Uuid, userId);
                },
                static reader => new JobBudget(
                    JobStatusText.Parse(reader.GetString(0)), reader.GetDecimalOrNull(1), reader.GetDecimal(2), reader.GetDecimal(3),
                    Wakes: reader.GetBoolean(4), reader.GetInt16(5), IsRaised: reader.GetBoolean(6)),
                cancellationToken);
            if (found is [var budget])
            {
                return budget;
            }
        }

        return null;
    }
}

/// <summary>A job's cap on cost and what stands against it.</summary>
/// <param name="Status">The job's state.</param>
/// <param name="MaxCostUsd">Null: no cap.</param>
/// <param name="SpentUsd">Of calls that have ended.</param>
/// <param name="HeldUsd">For calls in flight or of unknown cost.</param>
/// <param name="Wakes">The job waited for a budget, and is queued now.</param>
/// <param name="Priority">Of the job.</param>
/// <param name="IsRaised">The cap was raised.</param>
public sealed record JobBudget(JobStatus Status, decimal? MaxCostUsd, decimal SpentUsd, decimal HeldUsd, bool Wakes, short Priority, bool IsRaised);
