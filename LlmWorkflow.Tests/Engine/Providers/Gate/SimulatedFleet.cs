using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Providers.Gate;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

/// <summary>
/// Several processes with one common gate and many callers in virtual time: each caller asks, comes back when it was told to, calls, and when it was
/// answered begins anew.
/// </summary>
internal sealed class SimulatedFleet
{
    private readonly PriorityQueue<Action, (long At, int Order)> _events = new();
    private readonly List<GateCall>[] _calls;
    private readonly MemoryGateStore _store;
    private readonly SimulatedProvider _provider;
    private readonly ModelLimits _limits;
    private readonly Random _random;
    private readonly int _latency;
    private long _now = 1_000_000_000;
    private int _order;
    private int _ticket;

    public SimulatedFleet(SimulatedProvider provider, ModelLimits limits, int callers, int processes = 4, int seed = 1, int latency = 800)
    {
        (_provider, _limits, _random, _latency) = (provider, limits, new Random(seed), latency);
        _calls = [.. Enumerable.Range(0, processes).Select(_ => new List<GateCall>())];
        _store = new(() => _now, () => 1, _ => null);
        for (var i = 0; i < callers; i++)
        {
            var process = i % processes;
            At(_now + _random.Next(200), () => Ask(process, NewTicket()));
        }
    }

    /// <summary>When calls were let through.</summary>
    public List<long> Passes { get; } = [];

    public int Asks { get; private set; }

    public int MostInFlight { get; private set; }

    public long Start { get; } = 1_000_000_000;

    public void Run(TimeSpan length)
    {
        var end = _now + (long)length.TotalMilliseconds;
        while (_events.TryPeek(out var next, out var at) && at.At <= end)
        {
            _events.Dequeue();
            _now = at.At;
            next();
        }

        _now = end;
    }

    private void At(long time, Action action) => _events.Enqueue(action, (time, _order++));

    private GateAsk NewTicket() => GateBench.Ask($"t{_ticket++}");

    private void Ask(int process, GateAsk ask)
    {
        Asks++;
        GateVerdict verdict = default;
        var before = 0L;
        Turn(process, [ask.Ticket], turn => (verdict, before) = (turn.Enter(ask), turn.Before.Gate.Passes));
        if (verdict.Decision != GateDecision.Pass)
        {
            // Back when told to, and a moment later: jobs are resumed by somebody.
            At(_now + verdict.Rest + _random.Next(20), () => Ask(process, ask));
            return;
        }

        var call = new GateCall(Guid.NewGuid(), _now, ask, before);
        _calls[process].Add(call);
        MostInFlight = Math.Max(MostInFlight, _calls.Sum(calls => calls.Count));
        Passes.Add(_now);
        // It arrives a moment later, a refusal comes back soon, an answer takes its time.
        At(_now + _random.Next(5, 40), () =>
        {
            var report = _provider.Call(_now);
            var refused = report.Outcome == GateOutcome.RateLimited;
            if (!refused)
            {
                var windows = report.Windows;
                Turn(process, [], turn => turn.Hear(call, windows));
                report = report with { Windows = [] };
            }

            At(_now + (refused ? _random.Next(5, 40) : _random.Next(_latency / 4, _latency)), () =>
            {
                _calls[process].Remove(call);
                Turn(process, [], turn => turn.Leave(call, report), 1);
                Ask(process, refused ? ask : NewTicket());
            });
        });
    }

    private void Turn(int process, string[] tickets, Action<GateTurn> act, int ending = 0) => _store.UpdateAsync(GateBench.Key, tickets, (before, now, workers) =>
    {
        var turn = new GateTurn(before, new(now, $"p{process}", _limits, workers, _random.NextDouble()), _calls[process].Count + ending);
        act(turn);
        return turn;
    });
}
