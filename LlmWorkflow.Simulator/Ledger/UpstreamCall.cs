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

    public string Id => id;

    public string Path => path;

    public DateTimeOffset At => at;

    public string? Model { get; set; }

    public PromptHash PromptSha256 { get; set; }

    public bool Streamed { get; set; }

    /// <summary>Settles before the last bytes are written: who has read a reply to its end must find it in the ledger.</summary>
    public void Complete(int inputTokens, int outputTokens, decimal usd, string? finishReason = null) =>
        Settle(CallOutcome.Completed, inputTokens, outputTokens, usd, finishReason);

    public void Fail(int inputTokens = 0, int outputTokens = 0, decimal usd = 0m) =>
        Settle(CallOutcome.Error, inputTokens, outputTokens, usd, "error");

    public void Abort(int inputTokens, int outputTokens, decimal usd) =>
        Settle(CallOutcome.Aborted, inputTokens, outputTokens, usd, finishReason: null);

    /// <summary>Corrects a call whose last bytes did not reach the client, or settles one that never got that far.</summary>
    public void AbortUnsent()
    {
        if (settled is null)
        {
            Abort(0, 0, 0m);
        }
        else if (settled.Outcome is CallOutcome.Completed)
        {
            ledger.Replace(sequence!.Value, settled with { Outcome = CallOutcome.Aborted });
        }
    }

    private void Settle(CallOutcome outcome, int inputTokens, int outputTokens, decimal usd, string? finishReason)
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
            Model = Model,
            PromptSha256 = PromptSha256,
            InputTokens = inputTokens,
            OutputTokens = outputTokens,
            Usd = usd,
            Outcome = outcome,
            Streamed = Streamed,
            FinishReason = finishReason,
            Duration = time.GetElapsedTime(started),
        };
        sequence = ledger.Add(settled);
    }
}
