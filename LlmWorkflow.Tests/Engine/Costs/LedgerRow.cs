using LlmWorkflow.Tests.Support;
using Npgsql;

namespace LlmWorkflow.Tests.Engine.Costs;

/// <summary>A row of <c>llm_provider_usage</c> as a test needs it.</summary>
internal sealed record LedgerRow
{
    public Guid CallId { get; init; } = Guid.CreateVersion7();

    public Guid JobId { get; init; } = Guid.CreateVersion7();

    public string Workflow { get; init; } = "sample";

    public Guid? UserId { get; init; }

    public string State { get; init; } = "settled";

    public string Purpose { get; init; } = "useful";

    public string Provider { get; init; } = "openrouter";

    public string Model { get; init; } = "gpt-4o";

    public string? Answered { get; init; }

    public long Input { get; init; } = 1000;

    public long Output { get; init; } = 100;

    public long CacheRead { get; init; }

    public bool Estimated { get; init; }

    public string[] Terms { get; init; } = [];

    public decimal? Reserved { get; init; }

    public decimal? Expected { get; init; }

    public decimal? Computed { get; init; }

    public decimal? Reported { get; init; }

    public string? Metadata { get; init; }

    public string[] DailyScopes { get; init; } = [];

    public DateTimeOffset At { get; init; } = new(2026, 11, 10, 12, 0, 0, TimeSpan.Zero);

    public async Task InsertAsync(EngineFixture engine)
    {
        const string Sql = """
            insert into llm_provider_usage (id, job_id, workflow_name, user_id, step_path, ordinal, state, purpose, provider, requested_model, answered_model, request_hash,
                input_tokens, output_tokens, cache_read_tokens, tokens_estimated, terms, reserved_usd, estimated_usd, computed_usd, reported_usd, cost_usd, cost_source,
                metadata, owner, fence, created_at, settled_at, day, daily_scopes)
            values ($1, $2, $3, $4, 'ask', (select count(*) from llm_provider_usage where job_id = $2), $5, $6, $7, $8, $9, 'h', $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                $21::json, $1, 1, $22, case when $5 in ('settled', 'aborted') then $22 end, ($22 at time zone 'UTC')::date, $23)
            """;
        var cost = Reported ?? Computed;
        object?[] values =
        [
            CallId, JobId, Workflow, UserId, State, Purpose, Provider, Model, Answered, Input, Output, CacheRead, Estimated, Terms, Reserved, Expected, Computed, Reported, cost,
            Reported is not null ? "reported" : Computed is null ? "unknown" : Estimated ? "estimated" : "computed", Metadata, At, DailyScopes,
        ];
        await using var command = engine.Source.CreateCommand(Sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        command.Parameters[3].NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid;
        foreach (var index in (int[])[14, 15, 16, 17, 18])
        {
            command.Parameters[index].NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Numeric;
        }

        command.Parameters[8].NpgsqlDbType = command.Parameters[20].NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text;
        await command.ExecuteNonQueryAsync();
    }
}
