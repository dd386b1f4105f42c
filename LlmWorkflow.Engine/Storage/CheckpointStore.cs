using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.Storage;

/// <summary>Finished steps and their events, written in one transaction under the fence.</summary>
public sealed class CheckpointStore : ICheckpointStore, IAsyncDisposable
{
    // The event number must be the one that the owner knows: so a write that is repeated after a broken connection cannot count twice, and a
    // worker that lost the job cannot write at all.
    private const string SaveSql = """
        with input as (
            select * from unnest($1, $2, $3, $4, $5, $6, $7, $8) as i (job_id, owner, fence, base, events, step_id, step, progress)
        ), owned as (
            update llm_workflow_jobs j set
                event_seq = i.base + i.events, current_step_id = i.step_id, current_step = i.step, progress = greatest(j.progress, i.progress)
            from input i
            where j.id = i.job_id and j.lease_owner = i.owner and j.fence = i.fence and j.status = 'processing' and j.event_seq = i.base
            returning j.id, j.cancel_requested_at is not null as cancel
        ), steps as (
            insert into llm_step_runs (job_id, step_path, step_id, step_type, display_name, status, attempts, output, error, usage, debug, branch,
                                       started_at, completed_at, duration_ms)
            select s.job_id, s.path, s.id, s.type, s.label, s.status, s.attempts, s.output::json, s.error::jsonb, s.usage::json, s.debug::json,
                   s.branch::json, s.started_at, s.completed_at, s.duration_ms
            from unnest($9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
                as s (job_id, path, id, type, label, status, attempts, output, error, usage, debug, branch, started_at, completed_at, duration_ms)
            join owned o on o.id = s.job_id
            on conflict (job_id, step_path) do update set
                status = excluded.status, attempts = excluded.attempts, output = excluded.output, error = excluded.error,
                usage = excluded.usage, debug = excluded.debug, branch = excluded.branch, completed_at = excluded.completed_at, duration_ms = excluded.duration_ms
        ), events as (
            insert into llm_job_events (job_id, sequence, type, data)
            select e.job_id, e.sequence, e.type, e.data::json
            from unnest($24, $25, $26, $27) as e (job_id, sequence, type, data) join owned o on o.id = e.job_id
        )
        select id, cancel from owned
        """;

    private const string LookSql = """
        select lease_owner, fence, event_seq, cancel_requested_at is not null from llm_workflow_jobs where id = $1 and status = 'processing'
        """;

    private const string StepsSql = """
        select step_path, step_id, step_type, display_name, status, attempts, output::text, error::text, usage::text,
               started_at, completed_at, duration_ms, branch::text
        from llm_step_runs where job_id = $1
        """;

    private const string StartsSql = """
        select data->>'step_path', min(created_at) from llm_job_events where job_id = $1 and type = 'step.started' group by 1
        """;

    private readonly Database _database;
    private readonly GroupCommit<Checkpoint, CheckpointResult?> _writes;

    /// <summary>A store over <paramref name="database"/>.</summary>
    public CheckpointStore(Database database)
    {
        _database = database;
        _writes = new(SaveBatchAsync);
    }

    /// <inheritdoc/>
    public Task<CheckpointResult> SaveAsync(Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        var repeated = false;
        return _database.UntilDoneAsync(
            async ct =>
            {
                var first = !repeated;
                repeated = true;
                return await _writes.AddAsync(checkpoint, ct) ?? (first ? default : await LookAsync(checkpoint, ct));
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<JobHistory> ReadAsync(Guid jobId, CancellationToken cancellationToken) =>
        _database.UntilDoneAsync(ct => ReadOnceAsync(jobId, ct), cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _writes.DisposeAsync();

    private async Task<JobHistory> ReadOnceAsync(Guid jobId, CancellationToken cancellationToken)
    {
        var steps = await _database.ReadAsync(StepsSql, command => command.Add(NpgsqlDbType.Uuid, jobId), ReadStep, cancellationToken);
        var starts = await _database.ReadAsync(
            StartsSql, command => command.Add(NpgsqlDbType.Uuid, jobId), static reader => (Path: reader.GetText(0), At: reader.GetTime(1)), cancellationToken);
        return new(steps.ToDictionary(s => s.StepPath), starts.Where(s => s.Path is not null).ToDictionary(s => s.Path!, s => s.At));
    }

    private static StepRun ReadStep(Npgsql.NpgsqlDataReader reader) => new()
    {
        StepPath = reader.GetString(0),
        StepId = reader.GetString(1),
        StepType = reader.GetString(2),
        DisplayName = reader.GetString(3),
        Status = Enum.Parse<StepStatus>(reader.GetString(4), ignoreCase: true),
        Attempts = reader.GetInt32(5),
        Output = reader.GetJson(6),
        Error = reader.GetText(7) is { } error ? JsonSerializer.Deserialize(error, EngineJson.Default.WorkflowError) : null,
        Usage = reader.GetJson(8),
        StartedAt = reader.GetTime(9),
        CompletedAt = reader.GetTime(10),
        DurationMs = reader.GetInt64(11),
        Branch = reader.GetJson(12),
    };

    private async Task<IReadOnlyList<CheckpointResult?>> SaveBatchAsync(IReadOnlyList<Checkpoint> checkpoints, CancellationToken cancellationToken)
    {
        var sorted = checkpoints.OrderBy(c => c.Fence.JobId).ToList();
        var steps = sorted.Where(c => c.Step is not null).Select(c => (c.Fence.JobId, Step: c.Step!)).ToList();
        var events = sorted.SelectMany(c => c.Events.Select((e, i) => (c.Fence.JobId, Sequence: c.EventSequence + i + 1, Event: e))).ToList();
        await using var command = _database.Source.CreateCommand(SaveSql);
        command.AddColumn(NpgsqlDbType.Uuid, sorted, c => c.Fence.JobId);
        command.AddColumn(NpgsqlDbType.Uuid, sorted, c => c.Fence.Owner);
        command.AddColumn(NpgsqlDbType.Bigint, sorted, c => c.Fence.Number);
        command.AddColumn(NpgsqlDbType.Bigint, sorted, c => c.EventSequence);
        command.AddColumn(NpgsqlDbType.Bigint, sorted, c => (long)c.Events.Count);
        command.AddColumn(NpgsqlDbType.Text, sorted, c => c.CurrentStepId);
        command.AddColumn(NpgsqlDbType.Text, sorted, c => c.CurrentStep);
        command.AddColumn(NpgsqlDbType.Smallint, sorted, c => c.Progress);
        command.AddColumn(NpgsqlDbType.Uuid, steps, s => s.JobId);
        command.AddColumn(NpgsqlDbType.Text, steps, s => s.Step.StepPath);
        command.AddColumn(NpgsqlDbType.Text, steps, s => s.Step.StepId);
        command.AddColumn(NpgsqlDbType.Text, steps, s => s.Step.StepType);
        command.AddColumn(NpgsqlDbType.Text, steps, s => s.Step.DisplayName);
        command.AddColumn(NpgsqlDbType.Text, steps, s => s.Step.Status.ToText());
        command.AddColumn(NpgsqlDbType.Integer, steps, s => s.Step.Attempts);
        command.AddColumn(NpgsqlDbType.Text, steps, s => SqlValues.Json(s.Step.Output));
        command.AddColumn(NpgsqlDbType.Text, steps, s => s.Step.Error is null ? null : SqlValues.Json(EngineJson.Text(s.Step.Error)));
        command.AddColumn(NpgsqlDbType.Text, steps, s => SqlValues.Json(s.Step.Usage));
        command.AddColumn(NpgsqlDbType.Text, steps, s => SqlValues.Json(s.Step.Debug));
        command.AddColumn(NpgsqlDbType.Text, steps, s => SqlValues.Json(s.Step.Branch));
        command.AddColumn(NpgsqlDbType.TimestampTz, steps, s => s.Step.StartedAt.ToUniversalTime());
        command.AddColumn(NpgsqlDbType.TimestampTz, steps, s => s.Step.CompletedAt.ToUniversalTime());
        command.AddColumn(NpgsqlDbType.Bigint, steps, s => s.Step.DurationMs);
        command.AddColumn(NpgsqlDbType.Uuid, events, e => e.JobId);
        command.AddColumn(NpgsqlDbType.Bigint, events, e => e.Sequence);
        command.AddColumn(NpgsqlDbType.Text, events, e => e.Event.Type);
        command.AddColumn(NpgsqlDbType.Text, events, e => SqlValues.Json(e.Event.Data));

        var saved = new Dictionary<Guid, CheckpointResult?>(sorted.Count);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            saved[reader.GetGuid(0)] = new(Owned: true, CancelRequested: reader.GetBoolean(1));
        }

        return [.. checkpoints.Select(c => saved.GetValueOrDefault(c.Fence.JobId))];
    }

    // Whether the first try went through although its connection broke.
    private async Task<CheckpointResult> LookAsync(Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        await using var command = _database.Source.CreateCommand(LookSql);
        command.Add(NpgsqlDbType.Uuid, checkpoint.Fence.JobId);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            && reader.GetGuid(0) == checkpoint.Fence.Owner
            && reader.GetInt64(1) == checkpoint.Fence.Number
            && reader.GetInt64(2) == checkpoint.EventSequence + checkpoint.Events.Count
                ? new(Owned: true, CancelRequested: reader.GetBoolean(3))
                : default;
    }
}
