using System.Globalization;
using LlmWorkflow.Engine.Costs;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>The gate of the fleet, over Redis. Without Redis each process keeps to its share of the limits.</summary>
internal sealed class FleetProviderGate : IProviderGate, IDisposable
{
    // Well within GateState.ShareMs: two signs of life may be late.
    private static readonly TimeSpan s_renewal = TimeSpan.FromSeconds(10);

    private readonly GateLanes _lanes;
    private readonly ITimer _renewal;

    /// <param name="redis">Shared by the fleet.</param>
    /// <param name="prefix">Of every key, put in a hash tag.</param>
    /// <param name="limits">The current limits.</param>
    /// <param name="workers">Live workers: the limits are divided among them while Redis is away.</param>
    /// <param name="time">Clock of the waits that callers are told.</param>
    /// <param name="random">Spreads waits. Safe for several threads.</param>
    /// <param name="logger">Is told of pauses.</param>
    public FleetProviderGate(
        IConnectionMultiplexer redis, string prefix, Func<SpendLimits> limits, Func<int> workers, TimeProvider time, Random random, ILogger<FleetProviderGate> logger)
    {
        var process = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture)[..12];
        var store = new FleetGateStore(new RedisGateStore(redis, prefix, time, random.NextDouble), process, workers, time, logger);
        _lanes = new(new(store, process, limits, time, random.NextDouble, logger));
        _renewal = time.CreateTimer(_ => _ = _lanes.RenewAsync(), null, s_renewal, s_renewal);
    }

    /// <inheritdoc/>
    public Task<GateAnswer> EnterAsync(GateKey key, GateAsk ask, CancellationToken cancellationToken) => _lanes.Of(key).EnterAsync(ask, cancellationToken);

    /// <inheritdoc/>
    public Task HearAsync(GatePass pass, IReadOnlyList<RateLimitWindow> windows) => _lanes.Of(pass.Key).HearAsync(pass, windows);

    /// <inheritdoc/>
    public Task LeaveAsync(GatePass pass, GateReport report) => _lanes.Of(pass.Key).LeaveAsync(pass, report);

    /// <inheritdoc/>
    public void Dispose() => _renewal.Dispose();
}
