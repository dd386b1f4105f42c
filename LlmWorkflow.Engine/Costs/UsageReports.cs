using LlmWorkflow.Engine.Storage;
using Npgsql;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.Costs;

/// <summary>What calls used and cost, out of the ledger.</summary>
public sealed class UsageReports(Database database)
{
    /// <summary>Most groups of a report.</summary>
    public const int MostGroups = 10_000;

    // Calls of a day are those that began on it, in UTC.
    private static readonly Dictionary<string, string> s_keys = new()
    {
        ["day"] = "to_char(created_at at time zone 'UTC', 'YYYY-MM-DD')",
        ["model"] = "coalesce(answered_model, requested_model)",
        ["provider"] = "provider",
        ["workflow"] = "workflow_name",
        ["user"] = "user_id::text",
        ["purpose"] = "purpose",
    };

    private const string Filter = """
        created_at >= $1 and created_at < $2 and ($3::uuid is null or user_id = $3) and ($4::text is null or workflow_name = $4)
        """;

    private const string IsDrift = "abs(computed_usd - reported_usd) > 0.01 * reported_usd";

    private const string FiguresSql = $"""
        count(*), count(*) filter (where state = 'aborted'), count(*) filter (where state = 'possibly_billed'),
        count(*) filter (where state in ('settled', 'aborted') and cost_source = 'unknown'),
        coalesce(sum(input_tokens), 0)::bigint, coalesce(sum(output_tokens), 0)::bigint, coalesce(sum(cache_read_tokens), 0)::bigint,
        coalesce(sum(cache_write_tokens), 0)::bigint, coalesce(sum(cache_write_1h_tokens), 0)::bigint, coalesce(sum(reasoning_tokens), 0)::bigint,
        coalesce(sum(cost_usd), 0), coalesce(sum(reported_usd), 0), coalesce(sum(computed_usd), 0), coalesce(sum(estimated_usd), 0),
        coalesce(sum(cost_usd) filter (where cost_source = 'reported'), 0), coalesce(sum(cost_usd) filter (where cost_source = 'computed'), 0),
        coalesce(sum(cost_usd) filter (where cost_source = 'estimated'), 0),
        coalesce(sum(reserved_usd) filter (where state in ('reserved', 'possibly_billed')), 0),
        count(*) filter (where {IsDrift}), coalesce(sum(computed_usd) filter (where {IsDrift}), 0), coalesce(sum(reported_usd) filter (where {IsDrift}), 0)
        """;

    private const string DriftSql = $"""
        select id, job_id, workflow_name, step_path, provider, coalesce(answered_model, requested_model), created_at, terms,
               input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, reasoning_tokens, computed_usd, reported_usd
        from llm_provider_usage where {Filter} and {IsDrift}
        order by created_at desc, id desc limit $5
        """;

    /// <summary>What a report can be grouped by.</summary>
    public static IReadOnlyList<string> Groupings { get; } = [.. s_keys.Keys];

    /// <summary>A report.</summary>
    /// <exception cref="ArgumentException">It is grouped by nothing, or by something unknown.</exception>
    public async Task<UsageSummary> SummarizeAsync(UsageQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        string[] keys = [.. query.GroupBy.Distinct()];
        if (keys.Length == 0 || !keys.All(s_keys.ContainsKey))
        {
            throw new ArgumentException($"Reports are grouped by {string.Join(", ", Groupings)}.", nameof(query));
        }

        // The totals come first: a grouping set of its own in the same pass.
        var columns = string.Join(", ", keys.Select((_, index) => $"k{index}"));
        var sql = $"""
            select grouping(k0) = 1, {columns}, {FiguresSql}
            from (select *, {string.Join(", ", keys.Select((key, index) => $"{s_keys[key]} as k{index}"))} from llm_provider_usage where {Filter}) u
            group by grouping sets (({columns}), ()) order by 1 desc, {columns} limit {MostGroups + 2}
            """;
        var rows = await database.ReadAsync(sql, command => Bind(command, query), reader => ReadRow(reader, keys), cancellationToken);
        var groups = rows.Skip(1).Select(row => row.Group).Take(MostGroups).ToList();
        return new(query.From, query.To, keys, groups, rows[0].Figures, rows[0].Drift, rows.Count > MostGroups + 1);
    }

    /// <summary>Calls whose computed cost differs from the reported one by more than 1 %, newest first.</summary>
    public Task<IReadOnlyList<DriftingCall>> DriftAsync(UsageQuery query, int limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        return database.ReadAsync(
            DriftSql,
            command =>
            {
                Bind(command, query);
                command.Add(NpgsqlDbType.Integer, limit);
            },
            ReadDrift,
            cancellationToken);
    }

    private static void Bind(NpgsqlCommand command, UsageQuery query)
    {
        command.Add(NpgsqlDbType.TimestampTz, query.From.ToUniversalTime());
        command.Add(NpgsqlDbType.TimestampTz, query.To.ToUniversalTime());
        command.Add(NpgsqlDbType.Uuid, query.UserId);
        command.Add(NpgsqlDbType.Text, query.WorkflowName);
    }

    private static (UsageGroup Group, UsageFigures Figures, DriftFigures Drift) ReadRow(NpgsqlDataReader reader, string[] keys)
    {
        var at = 1 + keys.Length;
        var figures = new UsageFigures
        {
            Calls = reader.GetInt64(at), FailedCalls = reader.GetInt64(at + 1), PossiblyBilledCalls = reader.GetInt64(at + 2), UnpricedCalls = reader.GetInt64(at + 3),
            Tokens = ReadTokens(reader, at + 4),
            CostUsd = Amount(at + 10), ReportedUsd = Amount(at + 11), ComputedUsd = Amount(at + 12), EstimatedUsd = Amount(at + 13),
            CostBySource = new(Amount(at + 14), Amount(at + 15), Amount(at + 16)),
            ReservedOpenUsd = Amount(at + 17),
        };
        var group = new UsageGroup(figures)
        {
            Day = Key("day"), Model = Key("model"), Provider = Key("provider"), Workflow = Key("workflow"), User = Key("user"), Purpose = Key("purpose"),
        };
        return (group, figures, new(reader.GetInt64(at + 18), Amount(at + 19), Amount(at + 20)));

        decimal Amount(int column) => Usd.WithoutTrailingZeros(reader.GetDecimal(column));

        string? Key(string name) => Array.IndexOf(keys, name) is >= 0 and var index ? reader.GetText(1 + index) : null;
    }

    private static TokenCounts ReadTokens(NpgsqlDataReader reader, int at) => new()
    {
        Input = reader.GetInt64(at), Output = reader.GetInt64(at + 1), CacheRead = reader.GetInt64(at + 2), CacheWrite5m = reader.GetInt64(at + 3),
        CacheWrite1h = reader.GetInt64(at + 4), Reasoning = reader.GetInt64(at + 5),
    };

    private static DriftingCall ReadDrift(NpgsqlDataReader reader)
    {
        var (computed, reported) = (Usd.WithoutTrailingZeros(reader.GetDecimal(14)), Usd.WithoutTrailingZeros(reader.GetDecimal(15)));
        return new()
        {
            CallId = reader.GetGuid(0), JobId = reader.GetGuid(1), Workflow = reader.GetString(2), StepPath = reader.GetString(3), Provider = reader.GetString(4),
            Model = reader.GetString(5), At = reader.GetTime(6), Terms = reader.GetFieldValue<string[]>(7), Tokens = ReadTokens(reader, 8),
            ComputedUsd = computed, ReportedUsd = reported, Drift = Usd.WithoutTrailingZeros(Math.Round(CostDrift.Of(computed, reported) ?? 0, 6)),
        };
    }
}
