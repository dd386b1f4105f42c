using LlmWorkflow.Engine.Storage;
using Npgsql;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.Costs;

/// <summary>Which calls are to be priced again, and how.</summary>
public sealed record RevisionQuery
{
    /// <summary>First instant of their beginning; null: since ever.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>First instant that no longer belongs to it; null: open.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Only calls for which this model was asked for, or that it answered; null: all.</summary>
    public string? Model { get; init; }

    /// <summary>Also calls that have a computed or estimated cost, where the price book gives another one now. Reported costs are never touched.</summary>
    public bool All { get; init; }

    /// <summary>Only says what would change.</summary>
    public bool DryRun { get; init; }

    /// <summary>Why, for the trace; null: what the case is.</summary>
    public string? Reason { get; init; }

    /// <summary>Who, for the trace.</summary>
    public required string ChangedBy { get; init; }
}

/// <summary>What pricing again came to.</summary>
public sealed record RevisionResult
{
    /// <summary>Calls looked at.</summary>
    public int Calls { get; init; }

    /// <summary>Calls whose cost is another one now.</summary>
    public int Changed { get; init; }

    /// <summary>Calls that still have no price.</summary>
    public int Unknown { get; init; }

    /// <summary>What the changes come to in USD.</summary>
    public decimal AddedUsd { get; init; }

    /// <summary>Models of the calls that still have no price, with their number.</summary>
    public IReadOnlyDictionary<string, int> UnknownModels { get; init; } = new Dictionary<string, int>();
}

/// <summary>
/// Prices calls of the ledger again by the present price book, at the rates of the time when they began. Batch by batch, each in one transaction with the
/// totals of jobs and days and with a trace in <c>llm_cost_changes</c>. Repeating it changes nothing more.
/// </summary>
public sealed class CostRevision(Database database)
{
    private const int BatchSize = 500;

    private static readonly string s_readUnknown = ReadSql("cost_source = 'unknown'");

    // A refused call costs nothing, whatever the price.
    private static readonly string s_readAll = ReadSql("cost_source in ('unknown', 'computed', 'estimated') and (state = 'settled' or input_tokens + output_tokens > 0)");

    // Calls, then jobs, then days: the order in which settling locks, so the two cannot block each other for good.
    private const string LockJobsSql = "select from llm_workflow_jobs where id = any($1) order by id for update";

    private const string LockDaysSql = """
        select from llm_daily_spend d
        where exists (select from llm_provider_usage u where u.id = any($1) and u.day = d.day and d.scope = any(u.daily_scopes))
        order by d.scope, d.day for update
        """;

    // A call without a cost holds its worst case; one that gets a cost holds nothing any more. So the totals go first.
    private const string JobsSql = """
        update llm_workflow_jobs j set total_cost_usd = j.total_cost_usd + c.added, reserved_usd = greatest(0, j.reserved_usd - c.released)
        from (select u.job_id, sum(n.cost - coalesce(u.cost_usd, 0)) as added, coalesce(sum(u.reserved_usd) filter (where u.cost_usd is null), 0) as released
              from llm_provider_usage u join unnest($1, $2) as n (id, cost) on n.id = u.id group by u.job_id) c
        where j.id = c.job_id
        """;

    private const string DaysSql = """
        update llm_daily_spend d set settled_usd = d.settled_usd + c.added, reserved_usd = greatest(0, d.reserved_usd - c.released)
        from (select u.day, s.scope, sum(n.cost - coalesce(u.cost_usd, 0)) as added, coalesce(sum(u.reserved_usd) filter (where u.cost_usd is null), 0) as released
              from llm_provider_usage u join unnest($1, $2) as n (id, cost) on n.id = u.id cross join unnest(u.daily_scopes) as s (scope)
              group by u.day, s.scope) c
        where d.day = c.day and d.scope = c.scope
        """;

    private const string TraceSql = """
        insert into llm_cost_changes (call_id, old_computed_usd, new_computed_usd, old_cost_usd, new_cost_usd, old_cost_source, new_cost_source, reason, changed_by)
        select u.id, u.computed_usd, n.cost, u.cost_usd, n.cost, u.cost_source, n.source,
               coalesce($4, case when u.cost_source = 'unknown' then 'the price was not known' else 'the price book has changed' end), $5
        from unnest($1, $2, $3) as n (id, cost, source) join llm_provider_usage u on u.id = n.id order by u.id
        """;

    private const string CallsSql = """
        update llm_provider_usage u set computed_usd = n.cost, cost_usd = n.cost, cost_source = n.source
        from unnest($1, $2, $3) as n (id, cost, source) where u.id = n.id
        """;

    /// <summary>Prices the calls.</summary>
    /// <param name="query">Which.</param>
    /// <param name="prices">The price book.</param>
    /// <param name="cancellationToken">Stops between batches; what is done stays.</param>
    public async Task<RevisionResult> RunAsync(RevisionQuery query, PriceBook prices, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(prices);
        var result = new RevisionResult();
        SortedDictionary<string, int> unknown = new(StringComparer.Ordinal);
        var last = Guid.Empty;
        while (true)
        {
            await using var connection = await database.Source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var calls = await ReadAsync(connection, query, last, cancellationToken);
            if (calls.Count == 0)
            {
                return result with { AddedUsd = Usd.WithoutTrailingZeros(result.AddedUsd), UnknownModels = unknown };
            }

            last = calls[^1].Id;
            List<PricedAgain> changes = [];
            foreach (var call in calls)
            {
                if (prices.Cost(call.Model, call.Usage, call.At, call.Terms) is not { } usd)
                {
                    unknown[call.Model] = unknown.GetValueOrDefault(call.Model) + 1;
                }
                else if (Math.Round(usd, 12, MidpointRounding.AwayFromZero) is var cost && (call.ComputedUsd != cost || call.CostUsd != cost))
                {
                    changes.Add(new(call.Id, call.JobId, cost, cost - (call.CostUsd ?? 0), call.Usage.Estimated ? "estimated" : "computed"));
                }
            }

            result = result with
            {
                Calls = result.Calls + calls.Count,
                Changed = result.Changed + changes.Count,
                Unknown = unknown.Values.Sum(),
                AddedUsd = result.AddedUsd + changes.Sum(change => change.AddedUsd),
            };
            if (changes.Count > 0 && !query.DryRun)
            {
                await WriteAsync(connection, changes, query, cancellationToken);
                await transaction.CommitAsync(cancellationToken);
            }
        }
    }

    private static string ReadSql(string which) => $"""
        select id, job_id, requested_model, answered_model, created_at, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens,
               reasoning_tokens, tokens_estimated, terms, metadata::text, computed_usd, cost_usd
        from llm_provider_usage
        where id > $1 and state in ('settled', 'aborted') and {which}
          and ($2::timestamptz is null or created_at >= $2) and ($3::timestamptz is null or created_at < $3)
          and ($4::text is null or requested_model = $4 or answered_model = $4)
        order by id limit $5
        """;

    private static async Task<List<KeptCall>> ReadAsync(NpgsqlConnection connection, RevisionQuery query, Guid after, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand((query.All ? s_readAll : s_readUnknown) + (query.DryRun ? "" : " for update"), connection);
        command.Add(NpgsqlDbType.Uuid, after);
        command.Add(NpgsqlDbType.TimestampTz, query.From?.ToUniversalTime());
        command.Add(NpgsqlDbType.TimestampTz, query.To?.ToUniversalTime());
        command.Add(NpgsqlDbType.Text, query.Model);
        command.Add(NpgsqlDbType.Integer, BatchSize);
        List<KeptCall> calls = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            calls.Add(ReadCall(reader));
        }

        return calls;
    }

    private static KeptCall ReadCall(NpgsqlDataReader reader)
    {
        // What has no column of its own is read from the provider's block, which is kept as it came.
        var raw = reader.GetJson(13).Member("usage");
        var report = UsageReader.Read(raw);
        var terms = reader.GetFieldValue<string[]>(12);
        return new()
        {
            Id = reader.GetGuid(0),
            JobId = reader.GetGuid(1),
            Model = PriceBook.Resolve(reader.GetString(2), reader.GetText(3)),
            At = reader.GetTime(4),
            Usage = new()
            {
                InputTokens = reader.GetInt64(5), OutputTokens = reader.GetInt64(6), CacheReadTokens = reader.GetInt64(7), CacheWriteTokens = reader.GetInt64(8),
                CacheWrite1hTokens = reader.GetInt64(9), ReasoningTokens = reader.GetInt64(10), Estimated = reader.GetBoolean(11),
                WebSearches = report?.Tokens.WebSearches ?? 0,
            },
            Terms = terms.Length > 0 ? terms : report?.Terms ?? [],
            ComputedUsd = reader.GetDecimalOrNull(14),
            CostUsd = reader.GetDecimalOrNull(15),
        };
    }

    private static async Task WriteAsync(NpgsqlConnection connection, List<PricedAgain> changes, RevisionQuery query, CancellationToken cancellationToken)
    {
        await ExecuteAsync(LockJobsSql, command => command.AddColumn(NpgsqlDbType.Uuid, changes, change => change.JobId));
        await ExecuteAsync(LockDaysSql, command => command.AddColumn(NpgsqlDbType.Uuid, changes, change => change.Id));
        await ExecuteAsync(JobsSql, AddCosts);
        await ExecuteAsync(DaysSql, AddCosts);
        await ExecuteAsync(TraceSql, command =>
        {
            AddCosts(command);
            command.AddColumn(NpgsqlDbType.Text, changes, change => change.Source);
            command.Add(NpgsqlDbType.Text, query.Reason);
            command.Add(NpgsqlDbType.Text, query.ChangedBy);
        });
        await ExecuteAsync(CallsSql, command =>
        {
            AddCosts(command);
            command.AddColumn(NpgsqlDbType.Text, changes, change => change.Source);
        });

        void AddCosts(NpgsqlCommand command)
        {
            command.AddColumn(NpgsqlDbType.Uuid, changes, change => change.Id);
            command.AddColumn(NpgsqlDbType.Numeric, changes, change => change.Cost);
        }

        async Task ExecuteAsync(string sql, Action<NpgsqlCommand> bind)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            bind(command);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private sealed record KeptCall
    {
        public required Guid Id { get; init; }

        public required Guid JobId { get; init; }

        public required string Model { get; init; }

        public required DateTimeOffset At { get; init; }

        public required TokenUsage Usage { get; init; }

        public required IReadOnlyList<string> Terms { get; init; }

        public decimal? ComputedUsd { get; init; }

        public decimal? CostUsd { get; init; }
    }

    private sealed record PricedAgain(Guid Id, Guid JobId, decimal Cost, decimal AddedUsd, string Source);
}
