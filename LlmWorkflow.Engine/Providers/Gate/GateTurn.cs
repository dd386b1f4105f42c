namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>What is read and written together.</summary>
/// <param name="Gate">Of the provider's model.</param>
/// <param name="Breaker">Of the provider and credential.</param>
/// <param name="Places">Places given, in gate time, by ticket: those of the asks in hand.</param>
internal sealed record GateSnapshot(GateState Gate, BreakerState Breaker, IReadOnlyDictionary<string, long> Places);

/// <summary>One change of a gate: everything that waits in a process, applied to one snapshot.</summary>
/// <param name="before">As it was read.</param>
/// <param name="at">Now.</param>
/// <param name="inFlight">Calls that this process has in flight by its own count, which is right after anything that was lost.</param>
internal sealed class GateTurn(GateSnapshot before, GateMoment at, int inFlight)
{
    private readonly Dictionary<string, long> _places = new(before.Places, StringComparer.Ordinal);
    private GateState _gate = before.Gate.Hold(at, inFlight);
    private BreakerState _breaker = before.Breaker;

    public GateSnapshot Before => before;

    public GateSnapshot After => new(_gate, _breaker, _places);

    public GateMoment At => at;

    public GateVerdict Enter(GateAsk ask)
    {
        if (_breaker.Rest(at.Now) is > 0 and var rest)
        {
            return new(GateDecision.Refused, rest);
        }

        var step = _gate.Enter(at, ask, _places.TryGetValue(ask.Ticket, out var known) ? known : null);
        _gate = step.State;
        if (step.Place is { } place)
        {
            _places[ask.Ticket] = place;
        }
        else if (step.Verdict.Decision == GateDecision.Pass)
        {
            _places.Remove(ask.Ticket);
            _breaker = _breaker.Enter(at.Now);
        }

        return step.Verdict;
    }

    public void Hear(GateCall call, IReadOnlyList<RateLimitWindow> windows) => _gate = _gate.Hear(at, call, windows);

    public void Leave(GateCall call, GateReport report)
    {
        _gate = _gate.Leave(at, call, report);
        _breaker = _breaker.Leave(at.Now, call.Entered, report.Outcome);
        if (report.Outcome == GateOutcome.NotSent)
        {
            _gate = _gate.Undo(at, call.Ask);
        }
    }

    /// <summary>Takes back a place that was given to an ask that was cancelled meanwhile.</summary>
    public void GiveBack(GateAsk ask)
    {
        if (_places.Remove(ask.Ticket))
        {
            _gate = _gate.Undo(at, ask);
        }
    }
}
