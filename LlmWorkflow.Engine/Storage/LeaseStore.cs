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
    private const string RenewSql = """
        update llm_workers set renewed_at = now(), expires_at = now() + $2 where id = $1 and expires_at > now()
        returning (select count(*)::integer from llm_workers where expires_at > now())
        """;

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
               retry_count, takeovers, webhook_url, webhook_events, cancel_requested_at is not null, nullif(signals, '{}')::text
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

    // Younger claims may be on their way to the worker.
    private const string RequeueUnknownSql = """
        with freed as (
            update llm_workflow_jobs set
                status = 'queued', lease_owner = null, queued_at = now(), event_seq = event_seq + 1,
                ran_ms = ran_ms + coalesce((extract(epoch from now() - run_started_at) * 1000)::bigint, 0), run_started_at = null
            where lease_owner = $1 and status = 'processing' and run_started_at < now() - interval '5 seconds' and not id = any($2)
            returning id, priority, event_seq
        ), events as (
            insert into llm_job_events (job_id, sequence, type, data)
            select id, event_seq, 'job.requeued', '{"reason":"claim_lost"}' from freed
        )
        select id, priority from freed
        """;

    // One statement for a thousand jobs keeps the locks short.
    private const int RequeueBatch = 1000;

    /// <summary>Registers a worker.</summary>
    public Task RegisterAsync(WorkerIdentity worker, TimeSpan lease, CancellationToken cancellationToken) => database.ExecuteAsync(
        RegisterSql,
        command =>
        {
            command.Add(NpgsqlDbType.Uuid, worker.Id);
            command.Add(NpgsqlDbType.Text, worker.Host);
            command.Add(NpgsqlDbType.Text, worker.BootId);
            command.Add(NpgsqlDbType.Integer, worker.ProcessId);
            command.Add(NpgsqlDbType.Text, worker.Version);
            command.Add(NpgsqlDbType.Integer, worker.Capacity);
            command.Add(NpgsqlDbType.Interval, lease);
        },
        cancellationToken);

    /// <summary>Renews a worker's lease, and gives the number of live workers. Null: it has expired, for good.</summary>
    public async Task<int?> RenewAsync(Guid workerId, TimeSpan lease, CancellationToken cancellationToken)
    {
        var live = await database.ReadAsync(
            RenewSql,
            command =>
            {
                command.Add(NpgsqlDbType.Uuid, workerId);
                command.Add(NpgsqlDbType.Interval, lease);
            },
            static reader => reader.GetInt32(0),
            cancellationToken);
        return live is [var count] ? count : null;
    }

    /// <summary>Ends the leases of workers that are known to be dead.</summary>
    public Task ExpireAsync(IReadOnlyList<Guid> workerIds, CancellationToken cancellationToken) =>
        database.ExecuteAsync(ExpireSql, command => command.AddColumn(NpgsqlDbType.Uuid, workerIds, id => id), cancellationToken);

    /// <summary>Removes a worker that holds no job any more. False: it does, or somebody else has removed it.</summary>
    public async Task<bool> RemoveAsync(Guid workerId, CancellationToken cancellationToken) =>
        await database.ExecuteAsync(RemoveSql, command => command.Add(NpgsqlDbType.Uuid, workerId), cancellationToken) > 0;

    /// <summary>Other workers of the same host and boot whose lease is still good.</summary>
    public Task<IReadOnlyList<(Guid Id, int ProcessId)>> LiveOnHostAsync(WorkerIdentity worker, CancellationToken cancellationToken) => database.ReadAsync(
        LiveOnHostSql,
        command =>
        {
            command.Add(NpgsqlDbType.Text, worker.Host);
            command.Add(NpgsqlDbType.Text, worker.BootId);
            command.Add(NpgsqlDbType.Uuid, worker.Id);
        },
        static reader => (reader.GetGuid(0), reader.GetInt32(1)),
        cancellationToken);

    /// <summary>Workers whose lease has run out.</summary>
    public Task<IReadOnlyList<Guid>> GoneAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(GoneSql, static _ => { }, static reader => reader.GetGuid(0), cancellationToken);

    /// <summary>Jobs of a worker that somebody asked to cancel.</summary>
    public Task<IReadOnlyList<Guid>> CancelledAsync(Guid workerId, CancellationToken cancellationToken) =>
        database.ReadAsync(CancelledSql, command => command.Add(NpgsqlDbType.Uuid, workerId), static reader => reader.GetGuid(0), cancellationToken);

    /// <summary>Takes queued jobs into the worker's lease, all in one statement. Jobs that are not queued any more are left out.</summary>
    public Task<IReadOnlyList<ClaimedJob>> ClaimAsync(Guid workerId, IReadOnlyList<Guid> jobIds, CancellationToken cancellationToken) => database.ReadAsync(
        ClaimSql,
        command =>
        {
            command.Add(NpgsqlDbType.Uuid, workerId);
            command.AddColumn(NpgsqlDbType.Uuid, jobIds, id => id);
        },
        reader => ReadClaim(reader, workerId),
        cancellationToken);

    /// <summary>Jobs of a dead worker that died with their workers once too often.</summary>
    public Task<IReadOnlyList<ExhaustedJob>> ExhaustedAsync(Guid workerId, CancellationToken cancellationToken) => database.ReadAsync(
        ExhaustedSql,
        command => command.Add(NpgsqlDbType.Uuid, workerId),
        reader =>
        {
            var identity = JobStore.ReadIdentity(reader);
            return new ExhaustedJob(
                identity, new Fence(identity.JobId, workerId, reader.GetInt64(11)), reader.GetInt32(12), JobStore.ReadWebhook(reader, 13),
                reader.GetInt64(15), reader.GetInt64(16), reader.GetDecimal(17));
        },
        cancellationToken);

    /// <summary>Queues a worker's jobs again. With <paramref name="countTakeover"/> those at their limit are left for <see cref="ExhaustedAsync"/>.</summary>
    public async Task<IReadOnlyList<QueuedJob>> RequeueAsync(Guid workerId, bool countTakeover, string reason, CancellationToken cancellationToken)
    {
        var jobs = new List<QueuedJob>();
        IReadOnlyList<QueuedJob> batch;
        do
        {
            batch = await database.ReadAsync(
                RequeueSql,
                command =>
                {
                    command.Add(NpgsqlDbType.Uuid, workerId);
                    command.Add(NpgsqlDbType.Boolean, countTakeover);
                    command.Add(NpgsqlDbType.Integer, RequeueBatch);
                    command.Add(NpgsqlDbType.Text, reason);
                },
                QueueStore.ReadQueued,
                cancellationToken);
            jobs.AddRange(batch);
        }
        while (batch.Count == RequeueBatch);

        return jobs;
    }

    /// <summary>
    /// Queues again what the database says this worker holds but the worker does not know of: the answer to a claim was lost with its connection.
    /// </summary>
    public Task<IReadOnlyList<QueuedJob>> RequeueUnknownAsync(Guid workerId, IReadOnlyList<Guid> known, CancellationToken cancellationToken) => database.ReadAsync(
        RequeueUnknownSql,
        command =>
        {
            command.Add(NpgsqlDbType.Uuid, workerId);
            command.AddColumn(NpgsqlDbType.Uuid, known, id => id);
        },
        QueueStore.ReadQueued,
        cancellationToken);

    private static ClaimedJob ReadClaim(Npgsql.NpgsqlDataReader reader, Guid workerId)
    {
        var identity = JobStore.ReadIdentity(reader);
        return new(
            new LeasedJob
            {
                Identity = identity,
                Fence = new(identity.JobId, workerId, reader.GetInt64(12)),
                Input = reader.GetJson(11),
                StartedAt = reader.GetTime(14),
                ClaimedAt = reader.GetTime(15),
                RanBefore = TimeSpan.FromMilliseconds(reader.GetInt64(16)),
                QueuedSeconds = reader.GetDouble(17),
                RetryCount = reader.GetInt32(18),
                Takeovers = reader.GetInt32(19),
                Webhook = JobStore.ReadWebhook(reader, 20),
                CancelRequested = reader.GetBoolean(22),
                Signals = SignalStore.Read(reader.GetText(23)),
            },
            reader.GetInt64(13));
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
