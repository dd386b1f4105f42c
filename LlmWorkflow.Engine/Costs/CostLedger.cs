using System.Text.Json;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;
using Npgsql;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.Costs;

/// <summary>The ledger of provider calls in Postgres (<c>llm_provider_usage</c>).</summary>
public sealed class CostLedger(Database database) : ICallLedger
{
    // Both are functions of the schema (0003_budgets), where their rules are written.
    private const string ReserveSql = """
        select outcome, scope, cap, spent, held, raises, reply
        from llm_reserve_call($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        """;

    private const string SettleSql = """
        select scope, cap, spent
        from llm_settle_call($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)
        """;

    private const string NoteSql = "update llm_provider_usage set response_id = $2 where id = $1 and response_id is null";

    private const string FindReplySql = """
        select case when c.expires_at > now() and c.filled_at > now() - $2 then c.reply::text end,
               c.reply is null and exists (select from llm_provider_usage u where u.id = c.leader and u.state = 'reserved')
        from llm_reply_cache c where c.key = $1
        """;

    private const string ReadSql = """
        select id, step_path, ordinal, state, purpose, provider, coalesce(answered_model, requested_model), request_hash, reply::text,
               input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, reasoning_tokens, tokens_estimated,
               cost_usd, cost_source, error_type
        from llm_provider_usage where job_id = $1 order by created_at, step_path, ordinal
        """;

    private const string MarkSql = """
        update llm_provider_usage u set state = 'possibly_billed'
        from llm_workflow_jobs j
        where u.job_id = $1 and u.state = 'reserved' and u.fence < $3
          and j.id = $1 and j.lease_owner = $2 and j.fence = $3 and j.status = 'processing'
        """;

    /// <inheritdoc/>
    public Task<ReserveResult> ReserveAsync(CallReservation reservation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reservation);
        return database.UntilDoneAsync(
            async ct => (await database.ReadAsync(ReserveSql, command => Bind(command, reservation), ReadResult, ct))[0], cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<BudgetState>> SettleAsync(CallSettlement settlement)
    {
        ArgumentNullException.ThrowIfNull(settlement);
        return database.UntilDoneAsync(
            ct => database.ReadAsync(
                SettleSql,
                command => Bind(command, settlement),
                static reader => new BudgetState(reader.GetString(0), reader.GetDecimal(1), reader.GetDecimal(2), 0),
                ct),
            CancellationToken.None);
    }

    /// <inheritdoc/>
    public async Task NoteAsync(Guid callId, string responseId)
    {
        try
        {
            await database.ExecuteAsync(
                NoteSql,
                command =>
                {
                    command.Add(NpgsqlDbType.Uuid, callId);
                    command.Add(NpgsqlDbType.Text, responseId);
                },
                CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException || Database.IsTransient(e))
        {
            // Then it is known with the end of the call, or not at all.
        }
    }

    /// <inheritdoc/>
    public async Task<(JsonElement Reply, bool IsBeingAnswered)> FindReplyAsync(ReplyQuestion question, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(question);
        var found = await database.UntilDoneAsync(
            ct => database.ReadAsync(
                FindReplySql,
                command =>
                {
                    command.Add(NpgsqlDbType.Text, question.Key);
                    command.Add(NpgsqlDbType.Interval, question.MaxAge);
                },
                static reader => (reader.GetJson(0), reader.GetBoolean(1)),
                ct),
            cancellationToken);
        return found is [var known] ? known : default;
    }

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

    private static LedgerCall ReadCall(NpgsqlDataReader reader, Guid jobId) => new()
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
        ErrorType = reader.GetText(18),
    };

    private static void Bind(NpgsqlCommand command, CallReservation reservation)
    {
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
        Bind(command, reservation.Budgets);
        command.Add(NpgsqlDbType.Text, reservation.Question?.Key);
        command.Add(NpgsqlDbType.Interval, reservation.Question?.MaxAge);
    }

    private static void Bind(NpgsqlCommand command, CallSettlement settlement)
    {
        command.Add(NpgsqlDbType.Uuid, settlement.CallId);
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
        command.Add(NpgsqlDbType.Array | NpgsqlDbType.Text, settlement.Terms.ToArray());
        command.Add(NpgsqlDbType.Numeric, settlement.ComputedUsd);
        command.Add(NpgsqlDbType.Numeric, settlement.ReportedUsd);
        command.Add(NpgsqlDbType.Numeric, settlement.CostUsd);
        command.Add(NpgsqlDbType.Text, settlement.CostSource);
        command.Add(NpgsqlDbType.Text, settlement.ErrorType);
        command.Add(NpgsqlDbType.Bigint, settlement.Reconciles ? null : (long)settlement.Duration.TotalMilliseconds);
        command.Add(NpgsqlDbType.Text, SqlValues.Json(settlement.Metadata));
        command.Add(NpgsqlDbType.Boolean, settlement.Reconciles);
        command.Add(NpgsqlDbType.Interval, settlement.KeepFor);
        Bind(command, settlement.Budgets);
    }

    private static void Bind(NpgsqlCommand command, CallBudgets budgets)
    {
        command.AddColumn(NpgsqlDbType.Text, budgets.Steps, static step => step.StepPath);
        command.AddColumn(NpgsqlDbType.Numeric, budgets.Steps, static step => step.CapUsd);
        command.AddColumn(NpgsqlDbType.Text, budgets.Days, static day => day.Scope);
        command.AddColumn(NpgsqlDbType.Numeric, budgets.Days, static day => day.CapUsd);
    }

    private static ReserveResult ReadResult(NpgsqlDataReader reader) => new(reader.GetString(0) switch
    {
        "reserved" => ReserveOutcome.Reserved,
        "cached" => ReserveOutcome.Cached,
        "answering" => ReserveOutcome.BeingAnswered,
        "over" => ReserveOutcome.OverBudget,
        "blocked" => ReserveOutcome.Blocked,
        "unpriced" => ReserveOutcome.Unpriced,
        _ => ReserveOutcome.Lost,
    })
    {
        Budget = reader.GetText(1) is { } scope
            ? new(scope, reader.GetDecimal(2), reader.GetDecimalOrNull(3) ?? 0, reader.GetDecimalOrNull(4) ?? 0)
            : null,
        BudgetRaises = reader.IsDBNull(5) ? null : reader.GetInt32(5),
        Reply = reader.GetJson(6),
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
