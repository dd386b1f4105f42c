using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.Costs;

/// <summary>The ledger of provider calls in Postgres (<c>llm_provider_usage</c>).</summary>
public sealed class CostLedger(Database database) : ICallLedger
{
    // Fenced: a worker that lost the job must not start to spend. A repeated write finds its own id and counts as done.
    private const string ReserveSql = """
        with reserved as (
            insert into llm_provider_usage (id, job_id, workflow_name, user_id, step_path, ordinal, state, purpose, provider,
                                            requested_model, request_hash, reserved_usd, estimated_usd, owner, fence)
            select $1, j.id, j.workflow_name, j.user_id, $5, $6, 'reserved', $7, $8, $9, $10, $11, $12, $3, $4
            from llm_workflow_jobs j
            where j.id = $2 and j.lease_owner = $3 and j.fence = $4 and j.status = 'processing'
            on conflict do nothing
            returning id
        )
        select exists (select from reserved) or exists (select from llm_provider_usage where id = $1)
        """;

    // Once only: the job's totals grow with the change of state, whoever owns the job by now.
    private const string SettleSql = """
        with settled as (
            update llm_provider_usage set
                state = $3, purpose = coalesce($4, purpose), answered_model = $5, response_id = $6, reply = $7::json,
                input_tokens = $8, output_tokens = $9, cache_read_tokens = $10, cache_write_tokens = $11, cache_write_1h_tokens = $12,
                reasoning_tokens = $13, tokens_estimated = $14, computed_usd = $15, reported_usd = $16, cost_usd = $17, cost_source = $18,
                error_type = $19, duration_ms = $20, metadata = $21::json, settled_at = now()
            where id = $1 and state in ('reserved', 'possibly_billed')
            returning job_id, input_tokens + output_tokens as tokens, coalesce(cost_usd, 0) as usd
        )
        update llm_workflow_jobs j set total_tokens = j.total_tokens + s.tokens, total_cost_usd = j.total_cost_usd + s.usd
        from settled s where j.id = s.job_id and j.id = $2
        """;

    private const string ReadSql = """
        select id, step_path, ordinal, state, purpose, provider, coalesce(answered_model, requested_model), request_hash, reply::text,
               input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, reasoning_tokens, tokens_estimated,
               cost_usd, cost_source
        from llm_provider_usage where job_id = $1 order by created_at, step_path, ordinal
        """;

    private const string MarkSql = """
        update llm_provider_usage u set state = 'possibly_billed'
        from llm_workflow_jobs j
        where u.job_id = $1 and u.state = 'reserved' and u.fence < $3
          and j.id = $1 and j.lease_owner = $2 and j.fence = $3 and j.status = 'processing'
        """;

    /// <inheritdoc/>
    public Task<bool> ReserveAsync(CallReservation reservation, CancellationToken cancellationToken) => database.UntilDoneAsync(
        async ct =>
        {
            await using var command = database.Source.CreateCommand(ReserveSql);
            command.Add(NpgsqlDbType.Uuid, reservation.CallId);
            command.Add(NpgsqlDbType.Uuid, reservation.Key.JobId);
            command.Add(NpgsqlDbType.Uuid, reservation.Fence.Owner);
            command.Add(NpgsqlDbType.Bigint, reservation.Fence.Number);
            command.Add(NpgsqlDbType.Text, reservation.Key.StepPath);
            command.Add(NpgsqlDbType.Integer, reservation.Key.Ordinal);
            command.Add(NpgsqlDbType.Text, PurposeText(reservation.Purpose));
            command.Add(NpgsqlDbType.Text, reservation.Provider);
            command.Add(NpgsqlDbType.Text, reservation.RequestedModel);
            command.Add(NpgsqlDbType.Text, reservation.RequestHash);
            command.Add(NpgsqlDbType.Numeric, reservation.ReservedUsd);
            command.Add(NpgsqlDbType.Numeric, reservation.EstimatedUsd);
            return await command.ExecuteScalarAsync(ct) is true;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task SettleAsync(CallSettlement settlement) => database.UntilDoneAsync(
        async ct =>
        {
            await using var command = database.Source.CreateCommand(SettleSql);
            command.Add(NpgsqlDbType.Uuid, settlement.CallId);
            command.Add(NpgsqlDbType.Uuid, settlement.JobId);
            command.Add(NpgsqlDbType.Text, StateText(settlement.State));
            command.Add(NpgsqlDbType.Text, settlement.Purpose is { } purpose ? PurposeText(purpose) : null);
            command.Add(NpgsqlDbType.Text, settlement.AnsweredModel);
            command.Add(NpgsqlDbType.Text, settlement.ResponseId);
            command.Add(NpgsqlDbType.Text, SqlValues.Json(settlement.Reply));
            command.Add(NpgsqlDbType.Bigint, settlement.Usage.InputTokens);
            command.Add(NpgsqlDbType.Bigint, settlement.Usage.OutputTokens);
            command.Add(NpgsqlDbType.Bigint, settlement.Usage.CacheReadTokens);
            command.Add(NpgsqlDbType.Bigint, settlement.Usage.CacheWriteTokens);
            command.Add(NpgsqlDbType.Bigint, settlement.Usage.CacheWrite1hTokens);
            command.Add(NpgsqlDbType.Bigint, settlement.Usage.ReasoningTokens);
            command.Add(NpgsqlDbType.Boolean, settlement.Usage.Estimated);
            command.Add(NpgsqlDbType.Numeric, settlement.ComputedUsd);
            command.Add(NpgsqlDbType.Numeric, settlement.ReportedUsd);
            command.Add(NpgsqlDbType.Numeric, settlement.CostUsd);
            command.Add(NpgsqlDbType.Text, settlement.CostSource);
            command.Add(NpgsqlDbType.Text, settlement.ErrorType);
            command.Add(NpgsqlDbType.Bigint, (long)settlement.Duration.TotalMilliseconds);
            command.Add(NpgsqlDbType.Text, SqlValues.Json(settlement.Metadata));
            return await command.ExecuteNonQueryAsync(ct);
        },
        CancellationToken.None);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LedgerCall>> ReadAsync(Guid jobId, CancellationToken cancellationToken) =>
        database.UntilDoneAsync(
            ct => database.ReadAsync(ReadSql, command => command.Add(NpgsqlDbType.Uuid, jobId), reader => ReadCall(reader, jobId), ct), cancellationToken);

    /// <inheritdoc/>
    public Task MarkPossiblyBilledAsync(Fence fence, CancellationToken cancellationToken) => database.UntilDoneAsync(
        ct => database.ExecuteAsync(
            MarkSql,
            command =>
            {
                command.Add(NpgsqlDbType.Uuid, fence.JobId);
                command.Add(NpgsqlDbType.Uuid, fence.Owner);
                command.Add(NpgsqlDbType.Bigint, fence.Number);
            },
            ct),
        cancellationToken);

    private static LedgerCall ReadCall(Npgsql.NpgsqlDataReader reader, Guid jobId) => new()
    {
        CallId = reader.GetGuid(0),
        Key = new(jobId, reader.GetString(1), reader.GetInt32(2)),
        State = ParseState(reader.GetString(3)),
        Purpose = Enum.Parse<CallPurpose>(reader.GetString(4), ignoreCase: true),
        Provider = reader.GetString(5),
        Model = reader.GetString(6),
        RequestHash = reader.GetString(7),
        Reply = reader.GetJson(8),
        Usage = new()
        {
            InputTokens = reader.GetInt64(9),
            OutputTokens = reader.GetInt64(10),
            CacheReadTokens = reader.GetInt64(11),
            CacheWriteTokens = reader.GetInt64(12),
            CacheWrite1hTokens = reader.GetInt64(13),
            ReasoningTokens = reader.GetInt64(14),
            Estimated = reader.GetBoolean(15),
        },
        CostUsd = reader.GetDecimalOrNull(16),
        CostSource = reader.GetString(17),
    };

    private static string PurposeText(CallPurpose purpose) => purpose switch
    {
        CallPurpose.Useful => "useful",
        CallPurpose.Retry => "retry",
        CallPurpose.Repair => "repair",
        CallPurpose.Fallback => "fallback",
        _ => "cancelled",
    };

    private static string StateText(CallState state) => state switch
    {
        CallState.Reserved => "reserved",
        CallState.Settled => "settled",
        CallState.Aborted => "aborted",
        _ => "possibly_billed",
    };

    private static CallState ParseState(string text) => text switch
    {
        "reserved" => CallState.Reserved,
        "settled" => CallState.Settled,
        "aborted" => CallState.Aborted,
        _ => CallState.PossiblyBilled,
    };
}
