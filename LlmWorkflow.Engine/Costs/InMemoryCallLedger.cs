using System.Text.Json;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Costs;

/// <summary>
/// The ledger of runs without servers (<c>llmflow run</c>): same rules as the one in Postgres, kept as long as the process lives. Totals per day are the
/// service's own, so it has none; and nobody can raise a cap.
/// </summary>
internal sealed class InMemoryCallLedger(TimeProvider time) : ICallLedger
{
    private readonly Lock _lock = new();
    private readonly List<Row> _rows = [];
    private readonly Dictionary<Guid, long> _fences = [];
    private readonly Dictionary<string, KnownReply> _replies = [];

    public Task<ReserveResult> ReserveAsync(CallReservation reservation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            return Task.FromResult(Reserve(reservation));
        }
    }

    public Task<IReadOnlyList<BudgetState>> SettleAsync(CallSettlement settlement)
    {
        lock (_lock)
        {
            var index = _rows.FindIndex(row => row.Call.CallId == settlement.CallId);
            if (index < 0 || _rows[index].Call.State is CallState.Settled or CallState.Aborted)
            {
                throw new InvalidOperationException($"Call {settlement.CallId} is {(index < 0 ? "not reserved" : "settled already")}.");
            }

            var row = _rows[index];
            var before = Caps(row.Reservation).ToList();
            _rows[index] = row with { Call = row.Call.With(settlement) };
            if (row.Reservation.Question is { } question && _replies.GetValueOrDefault(question.Key)?.Leader == settlement.CallId)
            {
                if (settlement is { KeepFor: { } keep, Reply.ValueKind: JsonValueKind.Object })
                {
                    _replies[question.Key] = new(settlement.CallId, settlement.Reply, time.GetUtcNow(), time.GetUtcNow() + keep);
                }
                else
                {
                    _replies.Remove(question.Key);
                }
            }

            return Task.FromResult<IReadOnlyList<BudgetState>>(
                [.. Caps(row.Reservation).Zip(before).Where(pair => IsNearlySpent(pair.First) && !IsNearlySpent(pair.Second)).Select(pair => pair.First)]);
        }
    }

    public Task NoteAsync(Guid callId, string responseId) => Task.CompletedTask;

    public Task<(JsonElement Reply, bool IsBeingAnswered)> FindReplyAsync(ReplyQuestion question, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult(Find(question));
        }
    }

    public Task<IReadOnlyList<LedgerCall>> ReadAsync(Guid jobId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyList<LedgerCall>>([.. _rows.Where(row => row.Call.Key.JobId == jobId).Select(row => row.Call)]);
        }
    }

    public Task MarkPossiblyBilledAsync(Fence fence, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _fences[fence.JobId] = Math.Max(fence.Number, _fences.GetValueOrDefault(fence.JobId, long.MinValue));
            for (var i = 0; i < _rows.Count; i++)
            {
                var row = _rows[i];
                if (row.Call.Key.JobId == fence.JobId && row.Call.State == CallState.Reserved && row.Reservation.Fence.Number < fence.Number)
                {
                    _rows[i] = row with { Call = row.Call with { State = CallState.PossiblyBilled } };
                }
            }
        }

        return Task.CompletedTask;
    }

    private ReserveResult Reserve(CallReservation reservation)
    {
        var newest = _fences.GetValueOrDefault(reservation.Fence.JobId, long.MinValue);
        if (reservation.Fence.Number < newest || _rows.Exists(row => row.Call.Key == reservation.Key))
        {
            return new(ReserveOutcome.Lost);
        }

        if (reservation.Question is { } question)
        {
            switch (Find(question))
            {
                case ({ ValueKind: JsonValueKind.Object } reply, _):
                    return new(ReserveOutcome.Cached) { Reply = reply };
                case (_, true):
                    return new(ReserveOutcome.BeingAnswered);
            }
        }

        foreach (var cap in Caps(reservation))
        {
            if (reservation.ReservedUsd is not { } worst)
            {
                return new(ReserveOutcome.Unpriced) { Budget = cap };
            }

            if (cap.SpentUsd + cap.HeldUsd + worst > cap.CapUsd)
            {
                var open = Of(cap.Scope, reservation.Key.JobId).Where(row => row.Call.State == CallState.Reserved).Sum(row => row.Reservation.ReservedUsd ?? 0);
                return new(cap.SpentUsd + cap.HeldUsd - open + worst <= cap.CapUsd ? ReserveOutcome.Blocked : ReserveOutcome.OverBudget) { Budget = cap };
            }
        }

        _fences[reservation.Fence.JobId] = reservation.Fence.Number;
        if (reservation.Question is { } asked)
        {
            _replies[asked.Key] = new(reservation.CallId, default, default, default);
        }

        _rows.Add(new Row(reservation, reservation.ToCall()));
        return new(ReserveOutcome.Reserved);
    }

    private (JsonElement Reply, bool IsBeingAnswered) Find(ReplyQuestion question)
    {
        var now = time.GetUtcNow();
        return _replies.GetValueOrDefault(question.Key) switch
        {
            null => default,
            { Reply.ValueKind: JsonValueKind.Object } known when known.ExpiresAt > now && known.FilledAt > now - question.MaxAge => (known.Reply, false),
            { Reply.ValueKind: JsonValueKind.Undefined, Leader: var leader } => (default, _rows.Exists(row => row.Call.CallId == leader && row.Call.State == CallState.Reserved)),
            _ => default,
        };
    }

    private IEnumerable<BudgetState> Caps(CallReservation reservation)
    {
        IEnumerable<(string Scope, decimal Cap)> caps =
        [
            .. reservation.Job.MaxCostUsd is { } job ? [("job", job)] : ((string, decimal)[])[],
            .. reservation.Budgets.Steps.Select(step => ($"step:{step.StepPath}", step.CapUsd)),
        ];
        foreach (var (scope, cap) in caps)
        {
            var rows = Of(scope, reservation.Key.JobId).ToList();
            yield return new(scope, cap, rows.Sum(row => row.Call.CostUsd ?? 0), rows.Where(row => row.Call.CostUsd is null).Sum(row => row.Reservation.ReservedUsd ?? 0));
        }
    }

    private IEnumerable<Row> Of(string scope, Guid jobId)
    {
        var path = scope == "job" ? null : scope["step:".Length..];
        return _rows.Where(row => row.Call.Key.JobId == jobId
            && (path is null || row.Call.Key.StepPath == path || row.Call.Key.StepPath.StartsWith(path + '/', StringComparison.Ordinal)));
    }

    private static bool IsNearlySpent(BudgetState cap) => cap.SpentUsd >= cap.CapUsd * 0.8m;

    private sealed record Row(CallReservation Reservation, LedgerCall Call);

    private sealed record KnownReply(Guid Leader, JsonElement Reply, DateTimeOffset FilledAt, DateTimeOffset ExpiresAt);
}
