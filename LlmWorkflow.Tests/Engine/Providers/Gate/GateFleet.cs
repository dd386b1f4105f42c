using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

/// <summary>Several processes' gates over a real Redis, each with a connection of its own, and callers of a simulated provider in real time.</summary>
internal sealed class GateFleet : IAsyncDisposable
{
    private readonly List<ConnectionMultiplexer> _connections = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private int _inFlight;

    public List<FleetProviderGate> Gates { get; } = [];

    public int MostInFlight { get; private set; }

    public static async Task<GateFleet> StartAsync(
        string redis, string prefix, Func<SpendLimits> limits, int processes = 4, Func<int>? workers = null, ILogger<FleetProviderGate>? logger = null,
        TimeProvider? time = null)
    {
        GateFleet fleet = new();
        for (var i = 0; i < processes; i++)
        {
            var connection = await ConnectionMultiplexer.ConnectAsync(redis + ",abortConnect=false,connectTimeout=500");
            fleet._connections.Add(connection);
            fleet.Gates.Add(new(connection, prefix, limits, workers ?? (() => processes), time ?? TimeProvider.System, new SharedRandom(i), logger ?? NullLogger<FleetProviderGate>.Instance));
        }

        return fleet;
    }

    /// <summary>Callers that ask, wait as told, call, and begin anew, for a while.</summary>
    public Task RunAsync(SimulatedProvider provider, int callers, TimeSpan length)
    {
        _stop.CancelAfter(length);
        return RunAsync(provider, callers);
    }

    /// <summary>The same until so many calls have been answered.</summary>
    public async Task RunUntilAsync(SimulatedProvider provider, int callers, int answers)
    {
        var run = RunAsync(provider, callers, TimeSpan.FromMinutes(2));
        while (Answers() < answers && !run.IsCompleted)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }

        await _stop.CancelAsync();
        await run;

        int Answers()
        {
            lock (provider)
            {
                return provider.Answers.Count;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Gates.ForEach(gate => gate.Dispose());
        await _stop.CancelAsync();
        _stop.Dispose();
        _connections.ForEach(connection => connection.Dispose());
    }

    private async Task RunAsync(SimulatedProvider provider, int callers)
    {
        await Task.WhenAll(Enumerable.Range(0, callers).Select(i => Task.Run(async () =>
        {
            try
            {
                await CallAsync(Gates[i % Gates.Count], provider, new Random(i), $"c{i}");
            }
            catch (OperationCanceledException)
            {
                // The time is up.
            }
        })));
    }

    private async Task CallAsync(FleetProviderGate gate, SimulatedProvider provider, Random random, string name)
    {
        var time = TimeProvider.System;
        for (var number = 0; ; number++)
        {
            GateOutcome outcome;
            do
            {
                var pass = await EnterAsync(gate, $"{name}:{number}");
                lock (_lock)
                {
                    MostInFlight = Math.Max(MostInFlight, ++_inFlight);
                }

                GateReport report;
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(5, 25)), time);
                lock (provider)
                {
                    report = provider.Call(time.GetTimestamp() / (time.TimestampFrequency / 1000));
                }

                outcome = report.Outcome;
                if (outcome == GateOutcome.Answered)
                {
                    await gate.HearAsync(pass, report.Windows);
                    report = report with { Windows = [] };
                }

                var latency = TimeSpan.FromMilliseconds(outcome == GateOutcome.Answered ? random.Next(100, 400) : random.Next(5, 25));
                await Task.Delay(latency, time);
                lock (_lock)
                {
                    _inFlight--;
                }

                await gate.LeaveAsync(pass, report);
            }
            while (outcome == GateOutcome.RateLimited);
        }
    }

    private async Task<GatePass> EnterAsync(FleetProviderGate gate, string ticket)
    {
        while (true)
        {
            var answer = await gate.EnterAsync(GateBench.Key, GateBench.Ask(ticket), _stop.Token);
            if (answer.Pass is { } pass)
            {
                return pass;
            }

            var rest = answer.Wait!.Until - TimeProvider.System.GetUtcNow();
            await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.FromMilliseconds(1), TimeProvider.System, _stop.Token);
        }
    }
}

/// <summary>Real time in which nobody loses patience with Redis: after a second without an answer a process would go on alone.</summary>
internal sealed class PatientTime : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        System.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime * 30 : dueTime, period);
}
