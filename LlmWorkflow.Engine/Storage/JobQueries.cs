using System.Text.Json;
using LlmWorkflow.Engine.Jobs;
using Npgsql;
using static NpgsqlTypes.NpgsqlDbType;

namespace LlmWorkflow.Engine.Storage;

/// <summary>The read side: what status, events and health show. Every query is one indexed read.</summary>
public sealed class JobQueries(NpgsqlDataSource dataSource)
{
    /// <summary>Events per read; a job that streams has far fewer, because text is not stored as events.</summary>
    public const int EventPage = 500;

    private const string FindSql = """
        select id, workflow_name, definition_hash, user_id, username, action, priority, trace_parent, debug_mode, max_cost_usd, created_at,
               status, tags, queued_at, started_at, completed_at, run_at, duration_ms, current_step_id, current_step, progress,
               result_data, cost_data, error, error_message, total_tokens, total_cost_usd, retry_count, takeovers, cancel_requested_at,
               waiting_for
        from llm_workflow_jobs where id = $1
        """;

    private const string FindStateSql = "select status, user_id from llm_workflow_jobs where id = $1";

    private const string EventsSql = """
        select sequence, type, data, created_at from llm_job_events
        where job_id = $1 and sequence > $2 order by sequence limit $3
        """;

    private const string LiveWorkersSql = "select count(*), coalesce(sum(capacity), 0) from llm_workers where expires_at > now()";

    // The rate is that of the last completed jobs; the queue is counted up to a bound, because beyond it the figure says the same.
    private const string LoadSql = """
        select (select count(*) from (select 1 from llm_workflow_jobs where status = 'queued' limit 100000) q),
               (select count(*) from llm_workflow_jobs where status = 'processing'),
               (select coalesce(sum(capacity), 0) from llm_workers where expires_at > now()),
               r.jobs, r.seconds
        from (select count(*) as jobs, extract(epoch from max(completed_at) - min(completed_at))::float8 as seconds
              from (select completed_at from llm_workflow_jobs where status = 'completed' order by created_at desc limit 200) last) r
        """;

    /// <summary>All that the status of a job shows; null when there is no such job.</summary>
    public async Task<JobView?> FindAsync(Guid jobId, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(FindSql);
        command.Add(Uuid, jobId);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? ReadView(reader) : null;
    }

    /// <summary>State and user of a job; null when there is no such job.</summary>
    public async Task<(JobStatus Status, Guid? UserId)?> FindStateAsync(Guid jobId, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(FindStateSql);
        command.Add(Uuid, jobId);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? (JobStatusText.Parse(reader.GetString(0)), Id(reader, 1))
            : null;
    }

    /// <summary>Up to <see cref="EventPage"/> events after <paramref name="sequence"/>, in order.</summary>
    public async Task<IReadOnlyList<StoredEvent>> EventsAfterAsync(Guid jobId, long sequence, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(EventsSql);
        command.Add(Uuid, jobId);
        command.Add(Bigint, sequence);
        command.Add(Integer, EventPage);
        List<StoredEvent> events = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            events.Add(new(reader.GetInt64(0), reader.GetString(1), reader.GetJson(2), reader.GetTime(3)));
        }

        return events;
    }

    /// <summary>Workers with a valid lease, and how many jobs they can run at once.</summary>
    public async Task<(int Workers, long Capacity)> LiveWorkersAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(LiveWorkersSql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return ((int)reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <summary>How much there is to do, and how fast it goes.</summary>
    public async Task<QueueLoad> LoadAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(LoadSql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), Rate(reader.GetInt64(3), Number(reader, 4)));
    }

    private static JobView ReadView(NpgsqlDataReader reader) => new()
    {
        Identity = JobStore.ReadIdentity(reader),
        Status = JobStatusText.Parse(reader.GetString(11)),
        Tags = reader.GetFieldValue<string[]>(12),
        QueuedAt = Time(reader, 13),
        StartedAt = Time(reader, 14),
        CompletedAt = Time(reader, 15),
        RunAt = Time(reader, 16),
        DurationMs = reader.IsDBNull(17) ? null : reader.GetInt64(17),
        CurrentStepId = reader.GetText(18),
        CurrentStep = reader.GetText(19),
        Progress = reader.GetInt16(20),
        Output = reader.GetJson(21),
        CostData = reader.GetJson(22),
        Error = reader.GetJson(23),
        ErrorMessage = reader.GetText(24),
        TotalTokens = reader.GetInt64(25),
        TotalCostUsd = reader.GetDecimal(26),
        RetryCount = reader.GetInt32(27),
        Takeovers = reader.GetInt32(28),
        CancelRequestedAt = Time(reader, 29),
        WaitingFor = reader.GetJson(30),
    };

    private static double? Rate(long jobs, double? seconds) => jobs > 1 && seconds > 0 ? (jobs - 1) / seconds : null;

    private static Guid? Id(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetGuid(column);

    private static double? Number(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetDouble(column);

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetTime(column);
}

/// <summary>A durable event as stored.</summary>
/// <param name="Sequence">1 for the first event of the job; without gaps.</param>
/// <param name="Type">For example <c>step.completed</c>.</param>
/// <param name="Data">A JSON object.</param>
/// <param name="CreatedAt">When it was committed, by the database's clock.</param>
public sealed record StoredEvent(long Sequence, string Type, JsonElement Data, DateTimeOffset CreatedAt);

/// <summary>What the estimate of the waiting time is made of.</summary>
/// <param name="Queued">Jobs that wait for a worker, at most 100,000.</param>
/// <param name="Running">Jobs that run.</param>
/// <param name="Capacity">Jobs that the live workers can run at once.</param>
/// <param name="PerSecond">Completed jobs per second of late; null when too few are known.</param>
public sealed record QueueLoad(long Queued, long Running, long Capacity, double? PerSecond);

/// <summary>A job as its status shows it.</summary>
public sealed record JobView
{
    /// <summary>Who and what it is for.</summary>
    public required JobIdentity Identity { get; init; }

    /// <summary>Its state.</summary>
    public required JobStatus Status { get; init; }

    /// <summary>For filters.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>When it was last queued; null: not yet.</summary>
    public DateTimeOffset? QueuedAt { get; init; }

    /// <summary>First start; null: not yet.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>End; null: not yet.</summary>
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>Not before this time; null: at once.</summary>
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>From the first start to the end in milliseconds; null before the end.</summary>
    public long? DurationMs { get; init; }

    /// <summary>The step that runs; null: none.</summary>
    public string? CurrentStepId { get; init; }

    /// <summary>Its display name.</summary>
    public string? CurrentStep { get; init; }

    /// <summary>0 to 100.</summary>
    public short Progress { get; init; }

    /// <summary>What it is parked for, a list as in the event <c>job.waiting</c>; Undefined when it is not.</summary>
    public JsonElement WaitingFor { get; init; }

    /// <summary>The workflow's output; Undefined before the end.</summary>
    public JsonElement Output { get; init; }

    /// <summary>Tokens and cost of all calls; Undefined when none was made.</summary>
    public JsonElement CostData { get; init; }

    /// <summary>The error object; Undefined when there is none.</summary>
    public JsonElement Error { get; init; }

    /// <summary>Its message.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>All tokens until now.</summary>
    public long TotalTokens { get; init; }

    /// <summary>USD until now.</summary>
    public decimal TotalCostUsd { get; init; }

    /// <summary>Runs of the whole job after the first.</summary>
    public int RetryCount { get; init; }

    /// <summary>Times a dead worker's lease on it was taken over.</summary>
    public int Takeovers { get; init; }

    /// <summary>When cancellation was asked for; null: it was not.</summary>
    public DateTimeOffset? CancelRequestedAt { get; init; }
}
