using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using Npgsql;
using NpgsqlTypes;
using static NpgsqlTypes.NpgsqlDbType;

namespace LlmWorkflow.Engine.Storage;

/// <summary>Job rows: how they come into being and how they change state. Claims and leases are in <see cref="LeaseStore"/>.</summary>
public sealed class JobStore : IAsyncDisposable
{
    private const string InsertSql = """
        with input as (
            select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
                as i (id, workflow_name, definition_hash, priority, user_id, username, action, tags, input_data, run_at,
                      max_retries, idempotency_scope, idempotency_key, request_hash, webhook_url, webhook_secret, webhook_events,
                      max_cost_usd, trace_parent, debug_mode, event)
        ), jobs as (
            insert into llm_workflow_jobs (
                id, workflow_name, definition_hash, status, priority, user_id, username, action, tags, input_data, run_at, queued_at,
                max_retries, idempotency_scope, idempotency_key, request_hash, webhook_url, webhook_secret, webhook_events,
                max_cost_usd, trace_parent, debug_mode, event_seq)
            select id, workflow_name, definition_hash, case when run_at > now() then 'pending' else 'queued' end, priority, user_id,
                   username, action, tags::text[], input_data::json, run_at, case when run_at > now() then null else now() end,
                   max_retries, idempotency_scope, idempotency_key, request_hash, webhook_url, webhook_secret, webhook_events::text[],
                   max_cost_usd, trace_parent, debug_mode, 1
            from input
            on conflict do nothing
            returning id, status, created_at
        ), events as (
            insert into llm_job_events (job_id, sequence, type, data)
            select j.id, 1, 'job.' || j.status, i.event::json from jobs j join input i using (id)
        )
        select id, status, created_at from jobs
        """;

    private const string FindSubmittedSql = """
        select id, status, created_at, request_hash, idempotency_scope, idempotency_key from llm_workflow_jobs
        where id = any($1) or (idempotency_scope, idempotency_key) in (select * from unnest($2, $3))
        """;

    // Looked at in the row that is being written: a signal, a raised budget or a request to cancel that came since the claim must not be slept over.
    private const string Parks =
        "(i.target = 'waiting' and j.cancel_requested_at is null and not j.signals ?| i.wake_signals::text[] and (i.raises is null or i.raises = j.budget_raises))";

    private const string ApplySql = $$"""
        with input as (
            select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
                as i (job_id, target, sources, fence, owner, base, event_type, event_data, result, costs, error, message, duration,
                      delivery, event, url, secret, payload, trace, unfinished, waits, wake_at, wake_signals, raises)
        ), changed as (
            update llm_workflow_jobs j set
                status = case when {{Parks}} then 'waiting' when i.target = 'waiting' then 'queued' else i.target end,
                lease_owner = null,
                event_seq = j.event_seq + 1,
                result_data = coalesce(i.result::json, j.result_data),
                cost_data = coalesce(i.costs::json, j.cost_data),
                error = coalesce(i.error::jsonb, j.error),
                error_message = coalesce(i.message, j.error_message),
                completed_at = case when i.unfinished then null else now() end,
                queued_at = case when i.unfinished then now() else j.queued_at end,
                duration_ms = coalesce(i.duration, j.duration_ms),
                ran_ms = j.ran_ms + coalesce((extract(epoch from now() - j.run_started_at) * 1000)::bigint, 0),
                run_started_at = null,
                waiting_for = case when {{Parks}} then i.waits::json end,
                wake_at = case when {{Parks}} then i.wake_at end,
                wake_signals = case when {{Parks}} then i.wake_signals::text[] else '{}' end,
                set_aside_for = null,
                progress = case when i.target = 'completed' then 100 else j.progress end,
                current_step_id = case when i.unfinished then j.current_step_id end,
                current_step = case when i.unfinished then j.current_step end
            from input i
            where j.id = i.job_id and j.status = any(i.sources::text[])
              and case when i.fence is null then j.lease_owner is null else j.fence = i.fence and j.lease_owner = i.owner end
              and (i.base is null or j.event_seq = i.base)
            returning j.id, j.event_seq, j.webhook_secret, j.status
        ), events as (
            insert into llm_job_events (job_id, sequence, type, data)
            select c.id, c.event_seq, i.event_type, i.event_data::json from changed c join input i on i.job_id = c.id
        ), deliveries as (
            insert into llm_webhook_deliveries (id, job_id, event, url, secret, payload, trace_parent)
            select i.delivery, c.id, i.event, i.url, coalesce(i.secret, c.webhook_secret), i.payload, i.trace
            from changed c join input i on i.job_id = c.id
            where i.delivery is not null
        )
        select id, status from changed
        """;

    private const string IsAppliedSql = "select status, fence from llm_workflow_jobs where id = $1";

    private const string RequestCancelSql = """
        update llm_workflow_jobs set cancel_requested_at = coalesce(cancel_requested_at, now())
        where id = $1 and status = 'processing'
        """;

    private const string FindSql = """
        select id, workflow_name, definition_hash, user_id, username, action, priority, trace_parent, debug_mode, max_cost_usd, created_at,
               status, webhook_url, webhook_events
        from llm_workflow_jobs where id = $1
        """;

    private readonly Database _database;
    private readonly GroupCommit<NewJob, InsertedJob> _inserts;
    private readonly GroupCommit<JobTransition, JobStatus?> _transitions;

    /// <summary>A store over <paramref name="database"/>.</summary>
    public JobStore(Database database)
    {
        _database = database;
        _inserts = new(InsertBatchAsync);
        _transitions = new(ApplyBatchAsync);
    }

    /// <summary>Stores a job: when this returns, the job is accepted. With a known idempotency key, the earlier job.</summary>
    public Task<InsertedJob> InsertAsync(NewJob job, CancellationToken cancellationToken) => _inserts.AddAsync(job, cancellationToken);

    /// <summary>
    /// Applies a transition and gives the state that came of it: a job to be parked may have been queued instead. Null: the job is not in that state,
    /// or not ours, any more; nothing was written. Tries again while the database is away, until <paramref name="cancellationToken"/>.
    /// </summary>
    public Task<JobStatus?> ApplyAsync(JobTransition transition, CancellationToken cancellationToken)
    {
        var repeated = false;
        return _database.UntilDoneAsync(
            async ct =>
            {
                // A broken connection may have hidden a commit: a repeated write that finds its own result has succeeded.
                var first = !repeated;
                repeated = true;
                return await _transitions.AddAsync(transition, ct) ?? (first ? null : await LookAsync(transition, ct));
            },
            cancellationToken);
    }

    /// <summary>Marks a running job for cancellation. False: it does not run.</summary>
    public async Task<bool> RequestCancelAsync(Guid jobId, CancellationToken cancellationToken)
    {
        await using var command = _database.Source.CreateCommand(RequestCancelSql);
        command.Add(Uuid, jobId);
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>Identity, state and webhook of a job; null when there is none.</summary>
    public async Task<(JobIdentity Identity, JobStatus Status, WebhookTarget? Webhook)?> FindAsync(Guid jobId, CancellationToken cancellationToken)
    {
        await using var command = _database.Source.CreateCommand(FindSql);
        command.Add(Uuid, jobId);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? (ReadIdentity(reader), JobStatusText.Parse(reader.GetString(11)), ReadWebhook(reader, 12))
            : null;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _inserts.DisposeAsync();
        await _transitions.DisposeAsync();
    }

    // Columns 0 to 10 of every select that reads an identity.
    internal static JobIdentity ReadIdentity(NpgsqlDataReader reader) => new()
    {
        JobId = reader.GetGuid(0),
        WorkflowName = reader.GetString(1),
        DefinitionHash = reader.GetString(2),
        UserId = reader.IsDBNull(3) ? null : reader.GetGuid(3),
        Username = reader.GetText(4),
        Action = reader.GetText(5),
        Priority = reader.GetInt16(6),
        TraceParent = reader.GetText(7),
        DebugMode = reader.GetBoolean(8),
        MaxCostUsd = reader.IsDBNull(9) ? null : reader.GetDecimal(9),
        CreatedAt = reader.GetTime(10),
    };

    internal static WebhookTarget? ReadWebhook(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : new(reader.GetString(column), reader.GetFieldValue<string[]>(column + 1));

    private async Task<IReadOnlyList<InsertedJob>> InsertBatchAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken)
    {
        var stored = new Dictionary<Guid, InsertedJob>(jobs.Count);
        await using (var command = _database.Source.CreateCommand(InsertSql))
        {
            AddColumns(command, jobs);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var id = reader.GetGuid(0);
                stored[id] = new(id, JobStatusText.Parse(reader.GetString(1)), reader.GetTime(2), RequestHash: null, Repeated: false);
            }
        }

        if (stored.Count < jobs.Count)
        {
            await FindEarlierAsync([.. jobs.Where(j => !stored.ContainsKey(j.Identity.JobId))], stored, cancellationToken);
        }

        return [.. jobs.Select(j => stored[j.Identity.JobId])];
    }

    // What the insert passed over: an idempotency key that is known, or a write that is repeated after a broken connection.
    private async Task FindEarlierAsync(NewJob[] jobs, Dictionary<Guid, InsertedJob> stored, CancellationToken cancellationToken)
    {
        var byId = new Dictionary<Guid, InsertedJob>();
        var byKey = new Dictionary<(string, string), InsertedJob>();
        await using var command = _database.Source.CreateCommand(FindSubmittedSql);
        command.AddColumn(Uuid, jobs, j => j.Identity.JobId);
        command.AddColumn(Text, jobs, j => j.IdempotencyScope ?? "");
        command.AddColumn(Text, jobs, j => j.IdempotencyKey ?? "");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var earlier = new InsertedJob(
                reader.GetGuid(0), JobStatusText.Parse(reader.GetString(1)), reader.GetTime(2), reader.GetText(3), Repeated: true);
            byId[earlier.JobId] = earlier;
            if (reader.GetText(4) is { } scope)
            {
                byKey[(scope, reader.GetString(5))] = earlier;
            }
        }

        foreach (var job in jobs)
        {
            stored[job.Identity.JobId] = byId.TryGetValue(job.Identity.JobId, out var own) ? own with { Repeated = false }
                : byKey.TryGetValue((job.IdempotencyScope ?? "", job.IdempotencyKey ?? ""), out var earlier) ? earlier
                : throw new InvalidOperationException($"Job {job.Identity.JobId} was neither stored nor known.");
        }
    }

    private static void AddColumns(NpgsqlCommand command, IReadOnlyList<NewJob> jobs)
    {
        command.AddColumn(Uuid, jobs, j => j.Identity.JobId);
        command.AddColumn(Text, jobs, j => j.Identity.WorkflowName);
        command.AddColumn(Text, jobs, j => j.Identity.DefinitionHash);
        command.AddColumn(Smallint, jobs, j => j.Identity.Priority);
        command.AddColumn(Uuid, jobs, j => j.Identity.UserId);
        command.AddColumn(Text, jobs, j => j.Identity.Username);
        command.AddColumn(Text, jobs, j => j.Identity.Action);
        command.AddColumn(Text, jobs, j => SqlValues.ArrayText(j.Tags));
        command.AddColumn(Text, jobs, j => SqlValues.Json(j.Input));
        command.AddColumn(TimestampTz, jobs, j => j.RunAt?.ToUniversalTime());
        command.AddColumn(Integer, jobs, j => j.MaxRetries);
        command.AddColumn(Text, jobs, j => j.IdempotencyScope);
        command.AddColumn(Text, jobs, j => j.IdempotencyKey);
        command.AddColumn(Text, jobs, j => j.RequestHash);
        command.AddColumn(Text, jobs, j => j.Webhook?.Url);
        command.AddColumn(Bytea, jobs, j => j.WebhookSecret);
        command.AddColumn(Text, jobs, j => SqlValues.ArrayText(j.Webhook?.Events ?? []));
        command.AddColumn(Numeric, jobs, j => j.Identity.MaxCostUsd);
        command.AddColumn(Text, jobs, j => j.Identity.TraceParent);
        command.AddColumn(NpgsqlDbType.Boolean, jobs, j => j.Identity.DebugMode);
        command.AddColumn(Text, jobs, j => j.Event);
    }

    private async Task<IReadOnlyList<JobStatus?>> ApplyBatchAsync(IReadOnlyList<JobTransition> transitions, CancellationToken cancellationToken)
    {
        // Rows are locked in the order of ids, so that two batches cannot block each other for ever.
        var sorted = transitions.OrderBy(t => t.JobId).ToList();
        var changed = new Dictionary<Guid, JobStatus?>(sorted.Count);
        await using var command = _database.Source.CreateCommand(ApplySql);
        command.AddColumn(Uuid, sorted, t => t.JobId);
        command.AddColumn(Text, sorted, t => t.To.ToText());
        command.AddColumn(Text, sorted, t => SqlValues.ArrayText([.. t.From.Select(s => s.ToText())]));
        command.AddColumn(Bigint, sorted, t => t.Fence?.Number);
        command.AddColumn(Uuid, sorted, t => t.Fence?.Owner);
        command.AddColumn(Bigint, sorted, t => t.EventSequence);
        command.AddColumn(Text, sorted, t => t.Event.Type);
        command.AddColumn(Text, sorted, t => SqlValues.Json(t.Event.Data));
        command.AddColumn(Text, sorted, t => SqlValues.Json(t.Result));
        command.AddColumn(Text, sorted, t => SqlValues.Json(t.CostData));
        command.AddColumn(Text, sorted, t => t.Error is null ? null : SqlValues.Json(EngineJson.Text(t.Error)));
        command.AddColumn(Text, sorted, t => t.Error?.Message.Replace('\0', '\ufffd'));
        command.AddColumn(Bigint, sorted, t => t.DurationMs);
        command.AddColumn(Uuid, sorted, t => t.Delivery?.Id);
        command.AddColumn(Text, sorted, t => t.Delivery?.Event);
        command.AddColumn(Text, sorted, t => t.Delivery?.Url);
        command.AddColumn(Bytea, sorted, t => t.Delivery?.Secret);
        command.AddColumn(Text, sorted, t => t.Delivery?.Payload);
        command.AddColumn(Text, sorted, t => t.Delivery?.TraceParent);
        command.AddColumn(NpgsqlDbType.Boolean, sorted, t => !t.To.IsFinal());
        command.AddColumn(Text, sorted, t => t.To is JobStatus.Waiting ? JsonSerializer.Serialize(t.Waits, StepWaitJson.Default.IReadOnlyListStepWait) : null);
        command.AddColumn(TimestampTz, sorted, t => t.Waits.Min(w => w.Until)?.ToUniversalTime());
        command.AddColumn(Text, sorted, t => SqlValues.ArrayText([.. t.Waits.Where(w => w.Signal is not null).Select(w => w.Signal!).Distinct()]));
        command.AddColumn(Integer, sorted, t => t.Waits.Min(w => w.BudgetRaises));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            changed[reader.GetGuid(0)] = JobStatusText.Parse(reader.GetString(1));
        }

        return [.. transitions.Select(t => changed.GetValueOrDefault(t.JobId))];
    }

    private async Task<JobStatus?> LookAsync(JobTransition transition, CancellationToken cancellationToken)
    {
        await using var command = _database.Source.CreateCommand(IsAppliedSql);
        command.Add(Uuid, transition.JobId);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken) || (transition.Fence is { } fence && reader.GetInt64(1) != fence.Number))
        {
            return null;
        }

        var status = JobStatusText.Parse(reader.GetString(0));
        return status == transition.To || (transition.To is JobStatus.Waiting && status is JobStatus.Queued) ? status : null;
    }
}

/// <summary>A job to be stored.</summary>
public sealed record NewJob
{
    /// <summary>Who and what it is for; <see cref="JobIdentity.CreatedAt"/> is set by the database.</summary>
    public required JobIdentity Identity { get; init; }

    /// <summary>The input.</summary>
    public required System.Text.Json.JsonElement Input { get; init; }

    /// <summary>Data of its first event, a JSON object.</summary>
    public required string Event { get; init; }

    /// <summary>Not before this time.</summary>
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>For filters.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Takeovers and whole-job retries.</summary>
    public int MaxRetries { get; init; } = 3;

    /// <summary>Where the result is told.</summary>
    public WebhookTarget? Webhook { get; init; }

    /// <summary>Encrypted.</summary>
    public byte[]? WebhookSecret { get; init; }

    /// <summary>Whose key.</summary>
    public string? IdempotencyScope { get; init; }

    /// <summary>The key.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Hash of the request body.</summary>
    public string? RequestHash { get; init; }
}

/// <summary>A stored job.</summary>
/// <param name="JobId">Its id.</param>
/// <param name="Status">Its state when it was looked at.</param>
/// <param name="CreatedAt">By the database's clock.</param>
/// <param name="RequestHash">Of the earlier request; null for a new job.</param>
/// <param name="Repeated">It was stored by an earlier request.</param>
public sealed record InsertedJob(Guid JobId, JobStatus Status, DateTimeOffset CreatedAt, string? RequestHash, bool Repeated);
