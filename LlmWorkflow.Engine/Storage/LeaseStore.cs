using LlmWorkflow.Engine.Jobs;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.Storage;

/// <summary>Workers, their leases, and the jobs they hold. All times are the database's.</summary>
public sealed class LeaseStore(Database database)
{
    private const string RegisterSql = """
        insert into llm_workers (id, host, boot_id, pid, version, capacity, expires_at)
        values ($1, $2, $3, $4, $5, $6, now() + $7)
        """;

    // An expired row is never renewed: whoever saw it expire may have queued the jobs again already.
    private const string RenewSql = "update llm_workers set renewed_at = now(), expires_at = now() + $2 where id = $1 and expires_at > now()";

    private const string ExpireSql = "update llm_workers set expires_at = now() where id = any($1) and expires_at > now()";

    private const string RemoveSql = """
        delete from llm_workers w where w.id = $1
          and not exists (select from llm_workflow_jobs j where j.lease_owner = w.id and j.status = 'processing')
        """;

    private const string LiveOnHostSql = """
        select id, pid from llm_workers where host = $1 and boot_id = $2 and id <> $3 and expires_at > now()
        """;

    private const string GoneSql = "select id from llm_workers where expires_at <= now()";

    private const string ClaimSql = """
        with claimed as (
            update llm_workflow_jobs j set
                status = 'processing', lease_owner = $1, fence = j.fence + 1, set_aside_for = null,
                started_at = coalesce(j.started_at, now()), run_started_at = now(), event_seq = j.event_seq + 1
            from (
                select id from llm_workflow_jobs where id = any($2) and status = 'queued' order by id for update
            ) due
            where j.id = due.id and exists (select from llm_workers w where w.id = $1 and w.expires_at > now())
            returning j.*
        ), events as (
            insert into llm_job_events (job_id, sequence, type, data)
            select id, event_seq, 'job.started',
                   json_build_object('attempt', fence, 'queued_ms', (extract(epoch from now() - queued_at) * 1000)::bigint)
            from claimed
        )
        select id, workflow_name, definition_hash, user_id, username, action, priority, trace_parent, debug_mode, max_cost_usd, created_at,
               input_data::text, fence, event_seq, started_at, now(), ran_ms, extract(epoch from now() - queued_at)::float8,
               retry_count, takeovers, webhook_url, webhook_events, cancel_requested_at is not null
        from claimed order by id
        """;

    private const string CancelledSql = """
        select id from llm_workflow_jobs where lease_owner = $1 and status = 'processing' and cancel_requested_at is not null
        """;

    private const string ExhaustedSql = """
        select id, workflow_name, definition_hash, user_id, username, action, priority, trace_parent, debug_mode, max_cost_usd, created_at,
               fence, takeovers, webhook_url, webhook_events,
               coalesce((extract(epoch from now() - started_at) * 1000)::bigint, 0), total_tokens, total_cost_usd
        from llm_workflow_jobs
        where lease_owner = $1 and status = 'processing' and takeovers + 1 >= max_retries
        """;

    private const string RequeueSql = """
        with freed as (
            update llm_workflow_jobs j set
                status = 'queued', lease_owner = null, queued_at = now(), event_seq = j.event_seq + 1,
                takeovers = j.takeovers + case when $2 then 1 else 0 end,
                ran_ms = j.ran_ms + coalesce((extract(epoch from now() - j.run_started_at) * 1000)::bigint, 0), run_started_at = null
            from (
                select id from llm_workflow_jobs
                where lease_owner = $1 and status = 'processing' and (not $2 or takeovers + 1 < max_retries)
                order by id limit $3 for update
            ) held
            where j.id = held.id
            returning j.id, j.priority, j.event_seq
        ), events as (
            insert into llm_job_events (job_id, sequence, type, data)
            select id, event_seq, 'job.requeued', json_build_object('reason', $4) from freed
        )
        select id, priority from freed
        """;

    // One statement for a thousand jobs keeps the locks short.
    private const int RequeueBatch = 1000;

    /// <summary>Registers a worker.</summary>
    public async Task RegisterAsync(WorkerIdentity worker, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var command = database.Source.CreateCommand(RegisterSql);
        command.Add(NpgsqlDbType.Uuid, worker.Id);
        command.Add(NpgsqlDbType.Text, worker.Host);
        command.Add(NpgsqlDbType.Text, worker.BootId);
        command.Add(NpgsqlDbType.Integer, worker.ProcessId);
        command.Add(NpgsqlDbType.Text, worker.Version);
        command.Add(NpgsqlDbType.Integer, worker.Capacity);
        command.Add(NpgsqlDbType.Interval, lease);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Renews a worker's lease. False: it has expired, for good.</summary>
    public async Task<bool> RenewAsync(Guid workerId, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var command = database.Source.CreateCommand(RenewSql);
        command.Add(NpgsqlDbType.Uuid, workerId);
        command.Add(NpgsqlDbType.Interval, lease);
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>Ends the leases of workers that are known to be dead.</summary>
    public async Task ExpireAsync(IReadOnlyList<Guid> workerIds, CancellationToken cancellationToken)
    {
        await using var command = database.Source.CreateCommand(ExpireSql);
        command.AddColumn(NpgsqlDbType.Uuid, workerIds, id => id);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Removes a worker that holds no job any more. False: it does, or somebody else has removed it.</summary>
    public async Task<bool> RemoveAsync(Guid workerId, CancellationToken cancellationToken)
    {
        await using var command = database.Source.CreateCommand(RemoveSql);
        command.Add(NpgsqlDbType.Uuid, workerId);
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>Other workers of the same host and boot whose lease is still good.</summary>
    public async Task<IReadOnlyList<(Guid Id, int ProcessId)>> LiveOnHostAsync(WorkerIdentity worker, CancellationToken cancellationToken)
    {
        var found = new List<(Guid, int)>();
        await using var command = database.Source.CreateCommand(LiveOnHostSql);
        command.Add(NpgsqlDbType.Text, worker.Host);
        command.Add(NpgsqlDbType.Text, worker.BootId);
        command.Add(NpgsqlDbType.Uuid, worker.Id);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add((reader.GetGuid(0), reader.GetInt32(1)));
        }

        return found;
    }

    /// <summary>Workers whose lease has run out.</summary>
    public Task<IReadOnlyList<Guid>> GoneAsync(CancellationToken cancellationToken) => ReadIdsAsync(GoneSql, null, cancellationToken);

    /// <summary>Jobs of a worker that somebody asked to cancel.</summary>
    public Task<IReadOnlyList<Guid>> CancelledAsync(Guid workerId, CancellationToken cancellationToken) =>
        ReadIdsAsync(CancelledSql, workerId, cancellationToken);

    /// <summary>Takes queued jobs into the worker's lease, all in one statement. Jobs that are not queued any more are left out.</summary>
    public async Task<IReadOnlyList<ClaimedJob>> ClaimAsync(Guid workerId, IReadOnlyList<Guid> jobIds, CancellationToken cancellationToken)
    {
        var jobs = new List<ClaimedJob>(jobIds.Count);
        await using var command = database.Source.CreateCommand(ClaimSql);
        command.Add(NpgsqlDbType.Uuid, workerId);
        command.AddColumn(NpgsqlDbType.Uuid, jobIds, id => id);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var identity = JobStore.ReadIdentity(reader);
            var started = reader.GetTime(14);
            jobs.Add(new(
                new LeasedJob
                {
                    Identity = identity,
                    Fence = new(identity.JobId, workerId, reader.GetInt64(12)),
                    Input = reader.GetJson(11),
                    StartedAt = started,
                    ClaimedAt = reader.GetTime(15),
                    RanBefore = TimeSpan.FromMilliseconds(reader.GetInt64(16)),
                    QueuedSeconds = reader.GetDouble(17),
                    RetryCount = reader.GetInt32(18),
                    Takeovers = reader.GetInt32(19),
                    Webhook = JobStore.ReadWebhook(reader, 20),
                    CancelRequested = reader.GetBoolean(22),
                },
                reader.GetInt64(13)));
        }

        return jobs;
    }

    /// <summary>Jobs of a dead worker that died with their workers once too often.</summary>
    public async Task<IReadOnlyList<ExhaustedJob>> ExhaustedAsync(Guid workerId, CancellationToken cancellationToken)
    {
        var jobs = new List<ExhaustedJob>();
        await using var command = database.Source.CreateCommand(ExhaustedSql);
        command.Add(NpgsqlDbType.Uuid, workerId);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var identity = JobStore.ReadIdentity(reader);
            jobs.Add(new(
                identity, new Fence(identity.JobId, workerId, reader.GetInt64(11)), reader.GetInt32(12), JobStore.ReadWebhook(reader, 13), reader.GetInt64(15),
                reader.GetInt64(16), reader.GetDecimal(17)));
        }

        return jobs;
    }

    /// <summary>Queues a worker's jobs again. With <paramref name="countTakeover"/> those at their limit are left for <see cref="ExhaustedAsync"/>.</summary>
    public async Task<IReadOnlyList<QueuedJob>> RequeueAsync(Guid workerId, bool countTakeover, string reason, CancellationToken cancellationToken)
    {
        var jobs = new List<QueuedJob>();
        int batch;
        do
        {
            batch = 0;
            await using var command = database.Source.CreateCommand(RequeueSql);
            command.Add(NpgsqlDbType.Uuid, workerId);
            command.Add(NpgsqlDbType.Boolean, countTakeover);
            command.Add(NpgsqlDbType.Integer, RequeueBatch);
            command.Add(NpgsqlDbType.Text, reason);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                jobs.Add(new(reader.GetGuid(0), reader.GetInt16(1)));
                batch++;
            }
        }
        while (batch == RequeueBatch);

        return jobs;
    }

    private async Task<IReadOnlyList<Guid>> ReadIdsAsync(string sql, Guid? parameter, CancellationToken cancellationToken)
    {
        var ids = new List<Guid>();
        await using var command = database.Source.CreateCommand(sql);
        if (parameter is { } value)
        {
            command.Add(NpgsqlDbType.Uuid, value);
        }

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            ids.Add(reader.GetGuid(0));
        }

        return ids;
    }
}

/// <summary>A worker process.</summary>
/// <param name="Id">UUID version 7, new with every lease.</param>
/// <param name="Host">Host name.</param>
/// <param name="BootId">This boot of the host and, in it, the process-id namespace; empty: a death on this host cannot be proved.</param>
/// <param name="ProcessId">Its pid.</param>
/// <param name="Version">Of this build.</param>
/// <param name="Capacity">Jobs it runs at once.</param>
public sealed record WorkerIdentity(Guid Id, string Host, string BootId, int ProcessId, string Version, int Capacity);

/// <summary>A job just claimed.</summary>
/// <param name="Job">The job.</param>
/// <param name="EventSequence">Its last event number.</param>
public sealed record ClaimedJob(LeasedJob Job, long EventSequence);

/// <summary>A job for the streams.</summary>
public readonly record struct QueuedJob(Guid JobId, short Priority);

/// <summary>A job whose workers died too often.</summary>
public sealed record ExhaustedJob(JobIdentity Identity, Fence Fence, int Takeovers, WebhookTarget? Webhook, long DurationMs, long TotalTokens, decimal TotalCostUsd);
