using System.Collections.Concurrent;
using System.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.ExternalServices.Pacing;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace LlmWorkflow.Tests.Engine.ExternalServices.Pacing;

/// <summary>Several processes' buckets, each with a connection of its own, and callers that take turn after turn.</summary>
internal sealed class PacingFleet : IAsyncDisposable
{
    private static readonly TimeSpan s_beat = TimeSpan.FromMilliseconds(20);

    // As long as this, and calls of Redis may be late enough to count as lost.
    private static readonly TimeSpan s_still = TimeSpan.FromMilliseconds(500);

    private readonly List<ConnectionMultiplexer> _connections = [];
    private readonly Lock _lock = new();

    public List<TokenBucket> Buckets { get; } = [];

    public ConcurrentQueue<long> Granted { get; } = new();

    public RecordedLog Log { get; } = new();

    /// <summary>Callers that have had a turn.</summary>
    public ConcurrentDictionary<int, bool> Served { get; } = new();

    public TimeSpan LongestWait { get; private set; }

    /// <summary>Longest time for which this machine let nobody go on while callers ran: what came due in it goes out together.</summary>
    public TimeSpan LongestStill { get; private set; }

    /// <summary>How often that was so long that Redis may have been taken for lost.</summary>
    public int Stills { get; private set; }

    public IConnectionMultiplexer Connection => _connections[0];

    public IDatabase Database => Connection.GetDatabase();

    public static async Task<PacingFleet> StartAsync(string redis, string prefix, int processes = 4)
    {
        PacingFleet fleet = new();
        for (var i = 0; i < processes; i++)
        {
            var connection = await ConnectionMultiplexer.ConnectAsync(redis + ",abortConnect=false,connectTimeout=500,allowAdmin=true");
            fleet._connections.Add(connection);
            RedisBucketStore store = new(connection, prefix, TimeProvider.System);
            fleet.Buckets.Add(new(new FleetBucketStore(store, () => processes, TimeProvider.System, fleet.Log), TimeProvider.System, NullLogger<TokenBucket>.Instance));
        }

        return fleet;
    }

    /// <summary>Callers that take a turn and come back at once, until they are stopped.</summary>
    public async Task RunAsync(BucketKey key, ServiceRateLimit limit, int callers, CancellationToken stop)
    {
        var watch = Task.Run(() => WatchAsync(stop), CancellationToken.None);
        await Task.WhenAll(Enumerable.Range(0, callers).Select(i => Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    var started = Stopwatch.GetTimestamp();
                    Assert.Null(await Buckets[i % Buckets.Count].TakeAsync(key, limit, null, stop));
                    Served.TryAdd(i, true);
                    Granted.Enqueue(Stopwatch.GetTimestamp());
                    var waited = Stopwatch.GetElapsedTime(started);
                    lock (_lock)
                    {
                        LongestWait = waited > LongestWait ? waited : LongestWait;
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // The time is up.
            }
        })));
        await watch;
    }

    public int MostInASecond()
    {
        long[] all = [.. Granted.Order()];
        var (most, first) = (0, 0);
        for (var last = 0; last < all.Length; last++)
        {
            while (Stopwatch.GetElapsedTime(all[first], all[last]).TotalSeconds >= 1)
            {
                first++;
            }

            most = Math.Max(most, last - first + 1);
        }

        return most;
    }

    public Task EmptyAsync() => Connection.GetServer(Connection.GetEndPoints()[0]).FlushAllDatabasesAsync();

    public ValueTask DisposeAsync()
    {
        _connections.ForEach(connection => connection.Dispose());
        return ValueTask.CompletedTask;
    }

    private async Task WatchAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var started = Stopwatch.GetTimestamp();
            await Task.Delay(s_beat, TimeProvider.System, CancellationToken.None);
            var still = Stopwatch.GetElapsedTime(started) - s_beat;
            LongestStill = still > LongestStill ? still : LongestStill;
            Stills += still > s_still ? 1 : 0;
        }
    }
}
