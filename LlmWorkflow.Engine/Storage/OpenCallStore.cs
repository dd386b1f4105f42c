using NpgsqlTypes;

namespace LlmWorkflow.Engine.Storage;

/// <summary>Calls in the ledger whose cost is not known for sure.</summary>
internal sealed class OpenCallStore(Database database)
{
    // A call is its owner's as long as the owner has the job. Whoever takes the job up marks it too; this is for jobs that nobody takes up again.
    private const string MarkSql = """
        update llm_provider_usage u set state = 'possibly_billed'
        where u.state = 'reserved' and u.created_at < now() - interval '30 seconds'
          and not exists (select from llm_workflow_jobs j where j.id = u.job_id and j.status = 'processing' and j.lease_owner = u.owner and j.fence = u.fence)
        """;

    // Providers know a call some time after its end, or never: eight looks over about twenty minutes.
    private const string TakeSql = """
        update llm_provider_usage u set lookups = u.lookups + 1, next_lookup_at = now() + interval '5 seconds' * (2 ^ u.lookups)
        from (
            select id from llm_provider_usage
            where response_id is not null and reconciled_at is null and (state = 'possibly_billed' or (state in ('settled', 'aborted') and tokens_estimated))
              and provider = any($1) and lookups < 8 and coalesce(next_lookup_at, created_at) <= now()
            order by created_at limit $2 for update skip locked
        ) due
        where u.id = due.id
        returning u.id, u.provider, coalesce(u.answered_model, u.requested_model), u.response_id, u.error_type, u.created_at, u.state = 'settled'
        """;

    /// <summary>Marks calls whose owner is gone as possibly billed; gives how many.</summary>
    public Task<int> MarkAbandonedAsync(CancellationToken cancellationToken) => database.ExecuteAsync(MarkSql, static _ => { }, cancellationToken);

    /// <summary>Takes calls that a provider may be asked about now.</summary>
    public Task<IReadOnlyList<OpenCall>> TakeDueAsync(string[] providers, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        TakeSql,
        command =>
        {
            command.Add(NpgsqlDbType.Array | NpgsqlDbType.Text, providers);
            command.Add(NpgsqlDbType.Integer, limit);
        },
        static reader => new OpenCall(
            reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetText(4), reader.GetTime(5), reader.GetBoolean(6)),
        cancellationToken);
}

/// <summary>A call that a provider can be asked about.</summary>
internal sealed record OpenCall(Guid CallId, string Provider, string Model, string ResponseId, string? ErrorType, DateTimeOffset CreatedAt, bool IsSettled);
