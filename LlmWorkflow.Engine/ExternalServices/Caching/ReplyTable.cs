using LlmWorkflow.Engine.Storage;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>What a process is to do about a question.</summary>
internal enum ClaimState
{
    /// <summary>The reply is known and fresh.</summary>
    Known,

    /// <summary>Make the call: the place is held until the lease ends.</summary>
    Claimed,

    /// <summary>Somebody else makes the call.</summary>
    Filling,
}

/// <summary>The table's answer to a claim.</summary>
/// <param name="State">What to do.</param>
/// <param name="Reply">When known, the reply; when claimed, one that may stand in for a failed call, or null.</param>
/// <param name="FilledAt">When the reply was kept, by the database's clock: names this version of it.</param>
internal sealed record ReplyClaim(ClaimState State, CachedReply? Reply, DateTimeOffset FilledAt);

/// <summary>Replies in the table <c>external_api_cache</c>, and who fetches which: the fleet's one place of agreement. All times are the database's.</summary>
internal sealed class ReplyTable(Database database, TimeProvider time)
{
    /// <summary>Rows of one round of deletion.</summary>
    public const int Batch = 1000;

    // The insert is made only where the snapshot shows nothing fresh and nobody at work, so that who waits only reads; its own condition then decides among
    // those who saw the same.
    private const string ClaimSql = """
        with known as materialized (
            select *,
                   coalesce(expires_at > now() and filled_at > now() - $6, false) as is_fresh,
                   filling_by is null or filling_until <= now() as is_free
            from external_api_cache where key = $1
        ), claimed as (
            insert into external_api_cache as c (key, service, operation, filling_by, filling_until)
            select $1, $2, $3, $4, now() + $5
            where not exists (select from known where is_fresh or not is_free)
            on conflict (key) do update set filling_by = excluded.filling_by, filling_until = excluded.filling_until
            where (c.filling_by is null or c.filling_until <= now()) and not coalesce(c.expires_at > now() and c.filled_at > now() - $6, false)
            returning c.key
        )
        select k.is_fresh, claimed.key is not null, k.status_code, k.body, k.bytes, k.filled_at, k.expires_at - k.filled_at, k.kept_until - k.filled_at, now() - k.filled_at
        from (values (1)) as one
        left join claimed on true
        left join known k on k.is_fresh or (claimed.key is not null and k.kept_until > now())
        """;

    private const string RenewSql = "update external_api_cache set filling_until = now() + $3 where key = $1 and filling_by = $2";

    private const string FillSql = """
        update external_api_cache set
            status_code = $3, body = $4, bytes = $5, filled_at = now(), expires_at = now() + $6, kept_until = now() + $7, filling_by = null, filling_until = null
        where key = $1 and filling_by = $2
        """;

    private const string ReleaseSql = """
        with unfilled as (delete from external_api_cache where key = $1 and filling_by = $2 and filled_at is null)
        update external_api_cache set filling_by = null, filling_until = null where key = $1 and filling_by = $2 and filled_at is not null
        """;

    private const string StandsSql = "select from external_api_cache where key = $1 and filled_at = $2";

    private const string RemoveSql = """
        delete from external_api_cache where key in (
            select key from external_api_cache
            where ($1::text is null or service = $1) and ($2::text is null or operation = $2) and ($3::text is null or key = $3)
            order by key limit $4 for update)
        returning key, filled_at is not null
        """;

    // The minute is for a process whose signs of life are late.
    private const string CleanSql = """
        delete from external_api_cache where key in (
            select key from external_api_cache
            where coalesce(kept_until, filling_until) < now() - interval '1 minute' and (filling_until is null or filling_until < now() - interval '1 minute')
            order by coalesce(kept_until, filling_until) limit $1 for update skip locked)
        """;

    /// <summary>Says what to do about a question, and holds its place for <paramref name="filler"/> when that is to make the call.</summary>
    /// <param name="key">The question.</param>
    /// <param name="filler">Who asks; an id of this one call.</param>
    /// <param name="maxAge">Older replies are not fresh for him.</param>
    /// <param name="lease">How long the place is held.</param>
    /// <param name="cancellationToken">Gives up; the place may be held nevertheless.</param>
    public async Task<ReplyClaim> ClaimAsync(ReplyKey key, Guid filler, TimeSpan maxAge, TimeSpan lease, CancellationToken cancellationToken)
    {
        var rows = await database.ReadAsync(
            ClaimSql,
            command =>
            {
                command.Add(NpgsqlDbType.Text, key.Text);
                command.Add(NpgsqlDbType.Text, key.Service);
                command.Add(NpgsqlDbType.Text, key.Operation);
                command.Add(NpgsqlDbType.Uuid, filler);
                command.Add(NpgsqlDbType.Interval, lease);
                command.Add(NpgsqlDbType.Interval, maxAge);
            },
            row =>
            {
                var state = !row.IsDBNull(0) && row.GetBoolean(0) ? ClaimState.Known : row.GetBoolean(1) ? ClaimState.Claimed : ClaimState.Filling;
                if (row.IsDBNull(3))
                {
                    return new ReplyClaim(state, null, default);
                }

                var reply = new CachedReply
                {
                    Key = key,
                    StatusCode = row.GetInt32(2),
                    Data = CachedReply.Parse(row.GetString(3)),
                    Bytes = row.GetInt32(4),
                    Ttl = row.GetFieldValue<TimeSpan>(6),
                    KeptFor = row.GetFieldValue<TimeSpan>(7),
                    AgeWhenRead = row.GetFieldValue<TimeSpan>(8),
                    ReadAt = time.GetTimestamp(),
                };
                return new ReplyClaim(state, reply, row.GetTime(5));
            },
            cancellationToken);
        return rows[0];
    }

    /// <summary>Holds the place longer. False: it is held no more.</summary>
    public async Task<bool> RenewAsync(ReplyKey key, Guid filler, TimeSpan lease, CancellationToken cancellationToken) =>
        await ExecuteAsync(RenewSql, key, filler, command => command.Add(NpgsqlDbType.Interval, lease), cancellationToken) > 0;

    /// <summary>Keeps the reply and gives the place up. False: the place was not held any more, and the reply is not kept.</summary>
    public async Task<bool> FillAsync(CachedReply reply, Guid filler, CancellationToken cancellationToken) =>
        await ExecuteAsync(
            FillSql,
            reply.Key,
            filler,
            command =>
            {
                command.Add(NpgsqlDbType.Integer, reply.StatusCode);
                command.Add(NpgsqlDbType.Text, reply.Data.GetRawText());
                command.Add(NpgsqlDbType.Integer, reply.Bytes);
                command.Add(NpgsqlDbType.Interval, reply.Ttl);
                command.Add(NpgsqlDbType.Interval, reply.KeptFor);
            },
            cancellationToken) > 0;

    /// <summary>Gives the place up; a reply that was there stays.</summary>
    public Task ReleaseAsync(ReplyKey key, Guid filler, CancellationToken cancellationToken) =>
        ExecuteAsync(ReleaseSql, key, filler, static _ => { }, cancellationToken);

    /// <summary>Whether this version of a reply is still there.</summary>
    public async Task<bool> StandsAsync(ReplyKey key, DateTimeOffset filledAt, CancellationToken cancellationToken)
    {
        var rows = await database.ReadAsync(
            StandsSql,
            command =>
            {
                command.Add(NpgsqlDbType.Text, key.Text);
                command.Add(NpgsqlDbType.TimestampTz, filledAt);
            },
            static _ => true,
            cancellationToken);
        return rows.Count > 0;
    }

    /// <summary>Deletes up to <see cref="Batch"/> rows; gives their keys, and whether each had a reply.</summary>
    public Task<IReadOnlyList<(string Key, bool HadReply)>> RemoveAsync(CacheFilter filter, CancellationToken cancellationToken) =>
        database.ReadAsync(
            RemoveSql,
            command =>
            {
                command.Add(NpgsqlDbType.Text, filter.Service);
                command.Add(NpgsqlDbType.Text, filter.Operation);
                command.Add(NpgsqlDbType.Text, filter.Key);
                command.Add(NpgsqlDbType.Integer, Batch);
            },
            static row => (row.GetString(0), row.GetBoolean(1)),
            cancellationToken);

    /// <summary>Deletes up to <see cref="Batch"/> rows that are of no use any more; gives how many.</summary>
    public Task<int> CleanAsync(CancellationToken cancellationToken) =>
        database.ExecuteAsync(CleanSql, static command => command.Add(NpgsqlDbType.Integer, Batch), cancellationToken);

    private Task<int> ExecuteAsync(string sql, ReplyKey key, Guid filler, Action<Npgsql.NpgsqlCommand> bind, CancellationToken cancellationToken) =>
        database.ExecuteAsync(
            sql,
            command =>
            {
                command.Add(NpgsqlDbType.Text, key.Text);
                command.Add(NpgsqlDbType.Uuid, filler);
                bind(command);
            },
            cancellationToken);
}
