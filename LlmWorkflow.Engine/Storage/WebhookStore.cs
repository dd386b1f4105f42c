using System.Data;
using Npgsql;

namespace LlmWorkflow.Engine.Storage;

/// <summary>State of a delivery (<c>llm_webhook_deliveries.state</c>).</summary>
internal enum DeliveryState
{
    /// <summary>An attempt is to come, or runs.</summary>
    Pending,

    /// <summary>The receiver answered 2xx.</summary>
    Delivered,

    /// <summary>The last attempt failed; it can be replayed.</summary>
    Dead,

    /// <summary>The receiver answered 410: it wants no more.</summary>
    Stopped,
}

/// <summary>What a claim may take.</summary>
/// <param name="Count">Rows at most.</param>
/// <param name="PerHost">Rows at most of a host that is not in <paramref name="Hosts"/>.</param>
/// <param name="Hosts">Rows at most of single hosts (authority: host and port, lower-case), 0 for none.</param>
/// <param name="Hold">How long the rows are kept from others; longer than an attempt can take.</param>
internal sealed record DeliveryClaim(int Count, int PerHost, IReadOnlyDictionary<string, int> Hosts, TimeSpan Hold);

/// <summary>A delivery that this process may attempt now.</summary>
internal sealed record ClaimedDelivery
{
    /// <summary>Its id.</summary>
    public required Guid Id { get; init; }

    /// <summary>Number of this attempt, 1 for the first: the fence of its result.</summary>
    public required int Attempt { get; init; }

    /// <summary>Its job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>The event.</summary>
    public required string Event { get; init; }

    /// <summary>Where to.</summary>
    public required string Url { get; init; }

    /// <summary>Host and port of the URL, lower-case.</summary>
    public required string Host { get; init; }

    /// <summary>The encrypted secret of the job.</summary>
    public byte[]? Secret { get; init; }

    /// <summary>The exact body.</summary>
    public required string Payload { get; init; }

    /// <summary>W3C <c>traceparent</c>.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Time of the claim by the database's clock.</summary>
    public required DateTimeOffset ClaimedAt { get; init; }
}

/// <summary>How an attempt ended and what follows.</summary>
internal sealed record AttemptResult
{
    /// <summary>Wall time of the attempt.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>HTTP status; null when there was no answer.</summary>
    public int? StatusCode { get; init; }

    /// <summary>Start of the answer's body; without NUL, which Postgres refuses.</summary>
    public string? ResponseBody { get; init; }

    /// <summary>Why it failed; null when it did not.</summary>
    public string? Error { get; init; }

    /// <summary>The delivery's state from now on.</summary>
    public required DeliveryState State { get; init; }

    /// <summary>Time until the next attempt; only with <see cref="DeliveryState.Pending"/>.</summary>
    public TimeSpan? RetryIn { get; init; }
}

/// <summary>SQL of webhook deliveries and their attempts. The row of a delivery itself is inserted where the job ends.</summary>
internal sealed class WebhookStore(Database database)
{
    // Rows looked at by a claim. Wider than a claim, so that the oldest rows of one host do not hide those of others;
    // what a host cannot take is not looked at again until it has places, because full hosts are left out.
    private const int Window = 256;

    // A claim must not be cancelled, for its rows could be taken without anybody knowing; so it gets a limit of its own.
    private const int ClaimTimeoutSeconds = 10;

    private const string HostOfUrl = "lower(split_part(split_part(d.url, '/', 3), '?', 1))";

    // The conditions on d are repeated beside `for update`: that is where Postgres checks a row again that another
    // claim has changed meanwhile. The update moves next_attempt_at into the future, so a row is never claimed twice.
    // `case` around the order per job keeps the planner's estimate low: a bare comparison is taken to hold for one row in 200, and
    // with 100,000 due rows of a full host the claim then took 780 ms, most of it JIT; so it takes 55 ms, and 7 ms when no host is full.
    // A claim of attempt n > 1 writes the attempt n - 1 whose process died before its result, so that every attempt has a row.
    private const string Claim = $"""
        with due as materialized (
            select d.id, d.next_attempt_at, {HostOfUrl} as host
            from llm_webhook_deliveries d
            where d.state = 'pending' and d.next_attempt_at <= now() and {HostOfUrl} <> all ($3)
              and case when d.sequence = (select min(e.sequence) from llm_webhook_deliveries e where e.job_id = d.job_id and e.state = 'pending')
                  then true end
            order by d.next_attempt_at
            limit $7
        ), placed as (
            select id, host, row_number() over (partition by host order by next_attempt_at) as place from due
        ), picked as (
            select d.id, d.next_attempt_at as due_at, p.host
            from placed p
            join llm_webhook_deliveries d on d.id = p.id
            left join unnest($4, $5) as h (host, free) on h.host = p.host
            where p.place <= coalesce(h.free, $2) and d.state = 'pending' and d.next_attempt_at <= now()
            order by d.next_attempt_at
            limit $1
            for update of d skip locked
        ), claimed as (
            update llm_webhook_deliveries d
            set attempts = d.attempts + 1, next_attempt_at = now() + $6
            from picked p
            where d.id = p.id
            returning d.id, d.attempts, d.job_id, d.event, d.url, p.host, d.secret, d.payload, d.trace_parent, p.due_at
        ), lost as (
            insert into llm_webhook_attempts (delivery_id, attempt, started_at, duration_ms, error, next_retry_at)
            select id, attempts - 1, due_at - $6, extract(epoch from $6) * 1000, 'The process died before the answer was recorded.', due_at
            from claimed
            where attempts > 1
            on conflict do nothing
        )
        select id, attempts, job_id, event, url, host, secret, payload, trace_parent, now() from claimed
        """;

    private const string Record = """
        with mine as (
            update llm_webhook_deliveries
            set state = $3,
                next_attempt_at = case when $3 = 'pending' then now() + $4 else next_attempt_at end,
                finished_at = case when $3 = 'pending' then null else now() end,
                last_status = $5, last_error = $6
            where id = $1 and attempts = $2 and state = 'pending'
            returning id, next_attempt_at
        )
        insert into llm_webhook_attempts (delivery_id, attempt, started_at, duration_ms, status_code, response_body, error, next_retry_at)
        select id, $2, $7, $8, $5, $9, $6, case when $3 = 'pending' then next_attempt_at end
        from mine
        on conflict do nothing
        """;

    private const string Release = """
        update llm_webhook_deliveries
        set attempts = attempts - 1, next_attempt_at = now()
        where id = $1 and attempts = $2 and state = 'pending'
        """;

    /// <summary>
    /// Claims due deliveries, oldest first: of each job only the oldest unfinished one, of each host no more than asked for.
    /// Rows that another process is claiming are passed over. A claim that is not followed by a result comes due again after the hold.
    /// </summary>
    public async Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(DeliveryClaim claim)
    {
        await using var command = database.Source.CreateCommand(Claim);
        command.CommandTimeout = ClaimTimeoutSeconds;
        command.Parameters.Add(new() { Value = claim.Count });
        command.Parameters.Add(new() { Value = claim.PerHost });
        command.Parameters.Add(new() { Value = claim.Hosts.Where(h => h.Value <= 0).Select(h => h.Key).ToArray() });
        command.Parameters.Add(new() { Value = claim.Hosts.Keys.ToArray() });
        command.Parameters.Add(new() { Value = claim.Hosts.Values.ToArray() });
        command.Parameters.Add(new() { Value = claim.Hold });
        command.Parameters.Add(new() { Value = Window });
        await using var reader = await command.ExecuteReaderAsync();
        var claimed = new List<ClaimedDelivery>();
        while (await reader.ReadAsync())
        {
            claimed.Add(Read(reader));
        }

        return claimed;
    }

    /// <summary>
    /// Writes an attempt and the delivery's new state in one statement. False: the claim ran out and another attempt has begun, so nothing is written.
    /// </summary>
    public async Task<bool> RecordAsync(ClaimedDelivery delivery, AttemptResult result, CancellationToken cancellationToken)
    {
        await using var command = database.Source.CreateCommand(Record);
        command.Parameters.Add(new() { Value = delivery.Id });
        command.Parameters.Add(new() { Value = delivery.Attempt });
        command.Parameters.Add(new() { Value = Text(result.State) });
        command.Parameters.Add(new() { Value = result.RetryIn ?? TimeSpan.Zero });
        command.Parameters.Add(new() { Value = result.StatusCode is { } status ? status : DBNull.Value, DbType = DbType.Int32 });
        command.Parameters.Add(new() { Value = (object?)result.Error ?? DBNull.Value, DbType = DbType.String });
        command.Parameters.Add(new() { Value = delivery.ClaimedAt });
        command.Parameters.Add(new() { Value = (long)result.Duration.TotalMilliseconds });
        command.Parameters.Add(new() { Value = (object?)result.ResponseBody ?? DBNull.Value, DbType = DbType.String });
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>Gives a claim back at once, uncounted, because this process is leaving.</summary>
    public async Task ReleaseAsync(ClaimedDelivery delivery, CancellationToken cancellationToken)
    {
        await using var command = database.Source.CreateCommand(Release);
        command.Parameters.Add(new() { Value = delivery.Id });
        command.Parameters.Add(new() { Value = delivery.Attempt });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static ClaimedDelivery Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetGuid(0),
        Attempt = row.GetInt32(1),
        JobId = row.GetGuid(2),
        Event = row.GetString(3),
        Url = row.GetString(4),
        Host = row.GetString(5),
        Secret = row.IsDBNull(6) ? null : row.GetFieldValue<byte[]>(6),
        Payload = row.GetString(7),
        TraceParent = row.IsDBNull(8) ? null : row.GetString(8),
        ClaimedAt = row.GetFieldValue<DateTimeOffset>(9),
    };

    private static string Text(DeliveryState state) => state switch
    {
        DeliveryState.Pending => "pending",
        DeliveryState.Delivered => "delivered",
        DeliveryState.Dead => "dead",
        DeliveryState.Stopped => "stopped",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
    };
}
