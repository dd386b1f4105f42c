namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>Gates of one process.</summary>
/// <param name="now">Milliseconds of Unix time.</param>
/// <param name="workers">Processes that divide the limits.</param>
/// <param name="seed">What is known of a gate at first; null: nothing.</param>
internal sealed class MemoryGateStore(Func<long> now, Func<int> workers, Func<GateKey, GateSnapshot?> seed) : IGateStore
{
    // Places of jobs that never came back are cleared away when there are more than so many.
    private const int ManyPlaces = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<GateKey, GateState> _gates = [];
    private readonly Dictionary<(string Provider, string Credential), BreakerState> _breakers = [];
    private readonly Dictionary<(GateKey Key, string Ticket), long> _places = [];

    /// <inheritdoc/>
    public Task<GateTurn> UpdateAsync(GateKey key, IReadOnlyCollection<string> tickets, GateChange change)
    {
        lock (_lock)
        {
            var first = _gates.ContainsKey(key) ? null : seed(key);
            var gate = _gates.GetValueOrDefault(key) ?? first?.Gate ?? GateState.Unknown;
            var breaker = _breakers.GetValueOrDefault((key.Provider, key.Credential)) ?? first?.Breaker ?? BreakerState.Closed;
            var known = tickets.Where(ticket => _places.ContainsKey((key, ticket))).Distinct().ToDictionary(ticket => ticket, ticket => _places[(key, ticket)]);
            var turn = change(new(gate, breaker, known), now(), Math.Max(1, workers()));
            Keep(key, tickets, turn);
            return Task.FromResult(turn);
        }
    }

    private void Keep(GateKey key, IReadOnlyCollection<string> tickets, GateTurn turn)
    {
        _gates[key] = turn.After.Gate;
        _breakers[(key.Provider, key.Credential)] = turn.After.Breaker;
        foreach (var ticket in tickets)
        {
            if (turn.After.Places.TryGetValue(ticket, out var place))
            {
                _places[(key, ticket)] = place;
            }
            else
            {
                _places.Remove((key, ticket));
            }
        }

        if (_places.Count > ManyPlaces)
        {
            var time = turn.After.Gate.Clock(turn.At.Now);
            foreach (var place in _places.Where(place => place.Key.Key == key && place.Value < time - RedisGateStore.PlaceKeptMs).ToList())
            {
                _places.Remove(place.Key);
            }
        }
    }
}
