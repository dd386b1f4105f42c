using LlmWorkflow.Engine.Storage;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>The table <c>external_api_cache_stats</c>, and the figures of <c>external_api_cache</c>.</summary>
internal sealed class CacheStatsTable(Database database)
{
    // Rows are locked in the order of their keys: two processes that write at once do not wait for each other crosswise.
    private const string AddSql = """
        with hits as (
            select key, n from unnest($10::text[], $11::bigint[]) as h (key, n)
        ), locked as materialized (
            select c.key, h.n from external_api_cache c join hits h using (key) order by c.key for update of c
        ), counted as (
            update external_api_cache c set hits = c.hits + l.n from locked l where c.key = l.key
        )
        insert into external_api_cache_stats as s (service, operation, memory_hits, redis_hits, table_hits, shared, misses, stale, errors)
        select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
            as n (service, operation, memory_hits, redis_hits, table_hits, shared, misses, stale, errors)
        order by service, operation
        on conflict (service, operation) do update set
            memory_hits = s.memory_hits + excluded.memory_hits, redis_hits = s.redis_hits + excluded.redis_hits, table_hits = s.table_hits + excluded.table_hits,
            shared = s.shared + excluded.shared, misses = s.misses + excluded.misses, stale = s.stale + excluded.stale, errors = s.errors + excluded.errors
        """;

    private const string ReadSql = """
        with entries as (
            select service, operation, count(filled_at) as entries, count(filled_at) filter (where expires_at <= now()) as expired, coalesce(sum(bytes), 0)::bigint as bytes,
                   extract(epoch from now() - min(filled_at))::float8 as oldest, extract(epoch from now() - max(filled_at))::float8 as newest
            from external_api_cache group by service, operation
        )
        select service, operation, coalesce(entries, 0), coalesce(expired, 0), coalesce(bytes, 0), oldest, newest, coalesce(memory_hits, 0), coalesce(redis_hits, 0),
               coalesce(table_hits, 0), coalesce(shared, 0), coalesce(misses, 0), coalesce(stale, 0), coalesce(errors, 0), since
        from entries full join external_api_cache_stats using (service, operation)
        order by service, operation
        """;

    /// <summary>Adds counts: of operations, and hits of single replies.</summary>
    public Task AddAsync(
        IReadOnlyDictionary<(string Service, string Operation), long[]> events, IReadOnlyDictionary<string, long> hits, CancellationToken cancellationToken) =>
        database.ExecuteAsync(
            AddSql,
            command =>
            {
                var rows = events.ToList();
                command.AddColumn(NpgsqlDbType.Text, rows, row => row.Key.Service);
                command.AddColumn(NpgsqlDbType.Text, rows, row => row.Key.Operation);
                CacheEvent[] columns = [CacheEvent.Memory, CacheEvent.Redis, CacheEvent.Table, CacheEvent.Shared, CacheEvent.Miss, CacheEvent.Stale, CacheEvent.Error];
                foreach (var column in columns)
                {
                    command.AddColumn(NpgsqlDbType.Bigint, rows, row => row.Value[(int)column]);
                }

                var keys = hits.ToList();
                command.AddColumn(NpgsqlDbType.Text, keys, pair => pair.Key);
                command.AddColumn(NpgsqlDbType.Bigint, keys, pair => pair.Value);
            },
            cancellationToken);

    /// <summary>Figures of all operations that have a kept reply or a count.</summary>
    public async Task<CacheStats> ReadAsync(CancellationToken cancellationToken) => CacheStats.Of(await database.ReadAsync(
        ReadSql,
        static _ => { },
        static row => new OperationCacheStats(row.GetString(0), row.GetString(1), new()
        {
            Entries = row.GetInt64(2),
            ExpiredEntries = row.GetInt64(3),
            Bytes = row.GetInt64(4),
            OldestSeconds = row.IsDBNull(5) ? null : row.GetDouble(5),
            NewestSeconds = row.IsDBNull(6) ? null : row.GetDouble(6),
            MemoryHits = row.GetInt64(7),
            RedisHits = row.GetInt64(8),
            TableHits = row.GetInt64(9),
            Shared = row.GetInt64(10),
            Misses = row.GetInt64(11),
            Stale = row.GetInt64(12),
            Errors = row.GetInt64(13),
            Since = row.IsDBNull(14) ? null : row.GetTime(14),
        }),
        cancellationToken));
}
