using System.Collections.Concurrent;
using LlmWorkflow.Engine.Costs;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>The gate of a run without servers: the same states, in memory.</summary>
internal sealed class LocalProviderGate : IProviderGate
{
    private readonly GateLanes _lanes;

    /// <param name="limits">The current limits.</param>
    /// <param name="time">Clock.</param>
    /// <param name="random">Spreads waits. Safe for several threads.</param>
    /// <param name="logger">Is told of pauses.</param>
    public LocalProviderGate(Func<SpendLimits> limits, TimeProvider time, Random random, ILogger<LocalProviderGate> logger)
    {
        var store = new MemoryGateStore(() => time.GetUtcNow().ToUnixTimeMilliseconds(), static () => 1, static _ => null);
        _lanes = new(new(store, "local", limits, time, random.NextDouble, logger));
    }

    /// <inheritdoc/>
    public Task<GateAnswer> EnterAsync(GateKey key, GateAsk ask, CancellationToken cancellationToken) => _lanes.Of(key).EnterAsync(ask, cancellationToken);

    /// <inheritdoc/>
    public Task HearAsync(GatePass pass, IReadOnlyList<RateLimitWindow> windows) => _lanes.Of(pass.Key).HearAsync(pass, windows);

    /// <inheritdoc/>
    public Task LeaveAsync(GatePass pass, GateReport report) => _lanes.Of(pass.Key).LeaveAsync(pass, report);
}

/// <summary>The lanes of a process by gate.</summary>
internal sealed class GateLanes(GateSurroundings surroundings)
{
    private readonly ConcurrentDictionary<GateKey, GateLane> _lanes = new();

    public GateLane Of(GateKey key) => _lanes.GetOrAdd(key, static (key, surroundings) => new GateLane(key, surroundings), surroundings);

    public Task RenewAsync() => Task.WhenAll(_lanes.Values.Select(lane => lane.RenewAsync()));
}
