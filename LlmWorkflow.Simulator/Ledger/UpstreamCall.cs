namespace LlmWorkflow.Simulator.Ledger;

/// <summary>
/// One upstream call while it lasts. It is settled once in the ledger; only a call settled as completed may still be
/// corrected to aborted, when its last bytes could not be written.
/// </summary>
internal sealed class UpstreamCall(CallLedger ledger, TimeProvider time, string id, string path)
{
    private readonly DateTimeOffset at = time.GetUtcNow();
    private readonly long started = time.GetTimestamp();
    private long? sequence;
    private LedgerEntry? settled;
    private bool delivered;
    private DateTimeOffset? firstByteAt;
    private DateTimeOffset? lastByteAt;

    public string Id => id;

    public string Path => path;

    public DateTimeOffset At => at;

    public string? Provider { get; init; }

    public string? Key { get; set; }

    public string? Model { get; set; }

    public string? AnsweringModel { get; set; }

    public PromptHash PromptSha256 { get; set; }

    public string? ServiceTier { get; set; }

    public bool Streamed { get; set; }

    public bool Byok { get; set; }

    /// <summary>How long after its end the call cannot be looked up.</summary>
    public TimeSpan LookUpDelay { get; set; }

    /// <summary>Notes that bytes of the body were sent.</summary>
    public void Sent()
    {
        lastByteAt = time.GetUtcNow();
        firstByteAt ??= lastByteAt;
    }

    /// <summary>Settles before the last bytes are written: who has read a reply to its end must find it in the ledger.</summary>
    public void Complete(Bill bill, string? finishReason = null, int status = StatusCodes.Status200OK)
    {
        Sent();
        Settle(CallOutcome.Completed, status, bill, finishReason);
    }

    /// <param name="status">Of the answer; 200 when the error came after the reply's begin.</param>
    /// <param name="bill">What was produced until then.</param>
    public void Fail(int status, Bill? bill = null) => Settle(CallOutcome.Error, status, bill ?? Bill.Nothing, "error");

    public void Abort(Bill bill) =>
        Settle(CallOutcome.Aborted, firstByteAt is null ? null : StatusCodes.Status200OK, bill, finishReason: null);

    /// <summary>The last byte has left: whatever happens to the connection, the reply was delivered.</summary>
    public void Delivered() => delivered = true;

    /// <summary>Corrects a call whose last bytes did not reach the client, or settles one that never got that far.</summary>
    public void AbortUnsent()
    {
        if (settled is null)
        {
            Abort(Bill.Nothing);
        }
        else if (settled.Outcome is CallOutcome.Completed && !delivered)
        {
            ledger.Replace(sequence!.Value, settled with { Outcome = CallOutcome.Aborted });
        }
    }

    private void Settle(CallOutcome outcome, int? status, Bill bill, string? finishReason)
    {
        if (sequence is not null)
        {
            return;
        }

        settled = new LedgerEntry
        {
            Id = id,
            At = at,
            Path = path,
            Provider = Provider,
            Key = Key,
            Model = Model,
            AnsweringModel = AnsweringModel,
            PromptSha256 = PromptSha256,
            Tokens = bill.Tokens,
            Usd = bill.Usd,
            Outcome = outcome,
            Status = status,
            ServiceTier = ServiceTier,
            Streamed = Streamed,
            FinishReason = finishReason,
            FirstByteAt = firstByteAt,
            LastByteAt = lastByteAt,
            Duration = time.GetElapsedTime(started),
            Byok = Byok,
            HiddenUntil = time.GetUtcNow() + LookUpDelay,
        };
        sequence = ledger.Add(settled);
    }
}
