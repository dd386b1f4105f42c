using NpgsqlTypes;

namespace LlmWorkflow.Engine.Storage;

/// <summary>What the queue should hold, read from the truth.</summary>
public sealed class QueueStore(Database database)
{
    private const string QueuedBeforeSql = """
        select id from llm_workflow_jobs
        where status = 'queued' and priority = $1 and queued_at < $2 and set_aside_for is null
        order by queued_at limit $3
        """;

    // One index probe per priority, however many jobs wait.
    private const string OldestSql = """
        select p::smallint, oldest.queued_at, now()
        from generate_series(0, 10) p,
             lateral (select min(queued_at) as queued_at from llm_workflow_jobs where status = 'queued' and priority = p and set_aside_for is null) oldest
        where oldest.queued_at is not null
        """;

    private const string PromoteSql = """
        with due as (
            update llm_workflow_jobs j set status = 'queued', queued_at = now(), event_seq = j.event_seq + 1
            from (
                select id from llm_workflow_jobs where status = 'pending' and run_at <= now()
                order by run_at limit $1 for update skip locked
            ) d
            where j.id = d.id
            returning j.id, j.priority, j.event_seq
        ), events as (
            insert into llm_job_events (job_id, sequence, type, data) select id, event_seq, 'job.queued', '{}' from due
        )
        select id, priority from due
        """;

    private const string WakeSql = """
        with due as (
            update llm_workflow_jobs j set
                status = 'queued', queued_at = now(), event_seq = j.event_seq + 1, waiting_for = null, wake_at = null, wake_signals = '{}'
            from (
                select id from llm_workflow_jobs where status = 'waiting' and wake_at <= now()
                order by wake_at limit $1 for update skip locked
            ) d
            where j.id = d.id
            returning j.id, j.priority, j.event_seq
        ), events as (
            insert into llm_job_events (job_id, sequence, type, data) select id, event_seq, 'job.resumed', '{"reason":"time"}' from due
        )
        select id, priority from due
        """;

    private const string DepthSql = """
        select priority, count(*), coalesce(extract(epoch from now() - min(queued_at)), 0)::float8
        from llm_workflow_jobs where status = 'queued' group by priority
        """;

    /// <summary>Queued jobs of one priority that have waited since before <paramref name="before"/>, oldest first.</summary>
    public Task<IReadOnlyList<Guid>> QueuedBeforeAsync(short priority, DateTimeOffset before, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        QueuedBeforeSql,
        command =>
        {
            command.Add(NpgsqlDbType.Smallint, priority);
            command.Add(NpgsqlDbType.TimestampTz, before.ToUniversalTime());
            command.Add(NpgsqlDbType.Integer, limit);
        },
        static reader => reader.GetGuid(0),
        cancellationToken);

    /// <summary>The oldest queued job of each priority that has any, and the database's clock.</summary>
    public Task<IReadOnlyList<(short Priority, DateTimeOffset QueuedAt, DateTimeOffset Now)>> OldestAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(OldestSql, static _ => { }, static reader => (reader.GetInt16(0), reader.GetTime(1), reader.GetTime(2)), cancellationToken);

    /// <summary>Queues pending jobs whose time has come.</summary>
    public Task<IReadOnlyList<QueuedJob>> PromoteAsync(int limit, CancellationToken cancellationToken) =>
        database.ReadAsync(PromoteSql, command => command.Add(NpgsqlDbType.Integer, limit), ReadQueued, cancellationToken);

    /// <summary>Queues parked jobs whose wait, or whose longest wait, is over.</summary>
    public Task<IReadOnlyList<QueuedJob>> WakeAsync(int limit, CancellationToken cancellationToken) =>
        database.ReadAsync(WakeSql, command => command.Add(NpgsqlDbType.Integer, limit), ReadQueued, cancellationToken);

    /// <summary>Queued jobs and the age of the oldest in seconds, by priority.</summary>
    public Task<IReadOnlyList<(short Priority, long Jobs, double OldestSeconds)>> DepthAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(DepthSql, static _ => { }, static reader => (reader.GetInt16(0), reader.GetInt64(1), reader.GetDouble(2)), cancellationToken);

    internal static QueuedJob ReadQueued(Npgsql.NpgsqlDataReader reader) => new(reader.GetGuid(0), reader.GetInt16(1));
}
