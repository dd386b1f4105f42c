using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Costs;

/// <summary>The ledger of runs without servers (<c>llmflow run</c>): same rules as the one in Postgres, kept as long as the process lives.</summary>
internal sealed class InMemoryCallLedger : ICallLedger
{
    private readonly Lock _lock = new();
    private readonly List<Row> _rows = [];
    private readonly Dictionary<Guid, long> _fences = [];

    public Task<bool> ReserveAsync(CallReservation reservation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            var newest = _fences.GetValueOrDefault(reservation.Fence.JobId, long.MinValue);
            if (reservation.Fence.Number < newest || _rows.Exists(row => row.Call.Key == reservation.Key))
            {
                return Task.FromResult(false);
            }

            _fences[reservation.Fence.JobId] = reservation.Fence.Number;
            _rows.Add(new Row(reservation.Fence.Number, new LedgerCall
            {
                CallId = reservation.CallId,
                Key = reservation.Key,
                State = CallState.Reserved,
                Purpose = reservation.Purpose,
                Provider = reservation.Provider,
                Model = reservation.RequestedModel,
                RequestHash = reservation.RequestHash,
                Usage = new TokenUsage(),
            }));
            return Task.FromResult(true);
        }
    }

    public Task SettleAsync(CallSettlement settlement)
    {
        lock (_lock)
        {
            var index = _rows.FindIndex(row => row.Call.CallId == settlement.CallId);
            if (index < 0 || _rows[index].Call.State is CallState.Settled or CallState.Aborted)
            {
                throw new InvalidOperationException($"Call {settlement.CallId} is {(index < 0 ? "not reserved" : "settled already")}.");
            }

            _rows[index] = _rows[index] with { Call = _rows[index].Call.With(settlement) };
        }

        return Task.CompletedTask;
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
                if (row.Call.Key.JobId == fence.JobId && row.Call.State == CallState.Reserved && row.Fence < fence.Number)
                {
                    _rows[i] = row with { Call = row.Call with { State = CallState.PossiblyBilled } };
                }
            }
        }

        return Task.CompletedTask;
    }

    private sealed record Row(long Fence, LedgerCall Call);
}
