using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Logging;
using Tags = LlmWorkflow.Engine.Diagnostics.EngineTelemetry.Tags;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>What is counted.</summary>
internal enum CacheEvent
{
    /// <summary>Answered from memory.</summary>
    Memory,

    /// <summary>Answered from Redis.</summary>
    Redis,

    /// <summary>Answered from the table.</summary>
    Table,

    /// <summary>Answered by another's call, which it waited for.</summary>
    Shared,

    /// <summary>A call was made.</summary>
    Miss,

    /// <summary>An expired reply stood in for a failed call; beside a miss or a shared call.</summary>
    Stale,

    /// <summary>A call failed; beside its miss.</summary>
    Error,
}

/// <summary>
/// Counts of this process, written every 5 s and when it stops. A process that is lost takes at most its last 5 s of counts with it; while the database is away they
/// gather here. Counts whose write was cut off in the moment of its commit may be written twice.
/// </summary>
internal sealed class CacheCounts : IAsyncDisposable, IDisposable
{
    // Hits of single replies are worth less than the memory of a long outage.
    private const int MostKeys = 10_000;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _writing = new(1);
    private readonly CacheStatsTable? _table;
    private readonly ILogger _logger;
    private readonly ITimer? _timer;
    private Dictionary<(string Service, string Operation), long[]> _events = [];
    private Dictionary<string, long> _hits = new(StringComparer.Ordinal);

    /// <param name="table">Where they are written; null: nowhere.</param>
    /// <param name="every">How often.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Told when they cannot be written.</param>
    public CacheCounts(CacheStatsTable? table, TimeSpan every, TimeProvider time, ILogger logger)
    {
        _table = table;
        _logger = logger;
        if (table is not null)
        {
            // The writes belong to no single request's trace.
            using (ExecutionContext.SuppressFlow())
            {
                _timer = time.CreateTimer(_ => _ = TryFlushAsync(), null, every, every);
            }
        }
    }

    /// <summary>Counts one.</summary>
    public void Add(ReplyKey key, CacheEvent what)
    {
        EngineTelemetry.ServiceCache.Add(
            1, new(Tags.Service, key.Service), new(Tags.ServiceOperation, key.Operation), new KeyValuePair<string, object?>(Tags.CacheOutcome, Name(what)));
        lock (_lock)
        {
            Of(_events, (key.Service, key.Operation))[(int)what]++;
            if (what is CacheEvent.Memory or CacheEvent.Redis or CacheEvent.Table && (_hits.Count < MostKeys || _hits.ContainsKey(key.Text)))
            {
                _hits[key.Text] = _hits.GetValueOrDefault(key.Text) + 1;
            }
        }
    }

    /// <summary>Counts as figures.</summary>
    public static CacheFigures Figures(IReadOnlyList<long> counts) => new()
    {
        MemoryHits = counts[(int)CacheEvent.Memory],
        RedisHits = counts[(int)CacheEvent.Redis],
        TableHits = counts[(int)CacheEvent.Table],
        Shared = counts[(int)CacheEvent.Shared],
        Misses = counts[(int)CacheEvent.Miss],
        Stale = counts[(int)CacheEvent.Stale],
        Errors = counts[(int)CacheEvent.Error],
    };

    /// <summary>What is not written yet.</summary>
    public IReadOnlyDictionary<(string Service, string Operation), long[]> Snapshot()
    {
        lock (_lock)
        {
            return _events.ToDictionary(pair => pair.Key, pair => (long[])pair.Value.Clone());
        }
    }

    /// <summary>Writes what there is.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_table is null)
        {
            return;
        }

        await _writing.WaitAsync(cancellationToken);
        try
        {
            Dictionary<(string Service, string Operation), long[]> events;
            Dictionary<string, long> hits;
            lock (_lock)
            {
                (events, _events) = (_events, []);
                (hits, _hits) = (_hits, new(StringComparer.Ordinal));
            }

            if (events.Count == 0)
            {
                return;
            }

            try
            {
                await _table.AddAsync(events, hits, cancellationToken);
            }
            catch
            {
                PutBack(events, hits);
                throw;
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _timer?.Dispose();
        await TryFlushAsync();
    }

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private static string Name(CacheEvent what) => what switch
    {
        CacheEvent.Memory => "memory",
        CacheEvent.Redis => "redis",
        CacheEvent.Table => "table",
        CacheEvent.Shared => "shared",
        CacheEvent.Miss => "miss",
        CacheEvent.Stale => "stale",
        _ => "error",
    };

    private static long[] Of(Dictionary<(string Service, string Operation), long[]> events, (string Service, string Operation) operation)
    {
        if (!events.TryGetValue(operation, out var counts))
        {
            events[operation] = counts = new long[Enum.GetValues<CacheEvent>().Length];
        }

        return counts;
    }

    private async Task TryFlushAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(CacheTimes.Default.Statement);
            await FlushAsync(limit.Token);
        }
        catch (Exception e) when (Database.IsTransient(e) || e is OperationCanceledException or ObjectDisposedException)
        {
            // They wait for the next time; that the database is away is told elsewhere.
        }
        catch (Exception e)
        {
            // A timer's callback has nobody above it.
            CacheLog.CountsNotWritten(_logger, e);
        }
    }

    private void PutBack(Dictionary<(string Service, string Operation), long[]> events, Dictionary<string, long> hits)
    {
        lock (_lock)
        {
            foreach (var (operation, counts) in events)
            {
                var now = Of(_events, operation);
                for (var i = 0; i < counts.Length; i++)
                {
                    now[i] += counts[i];
                }
            }

            foreach (var (key, count) in hits)
            {
                _hits[key] = _hits.GetValueOrDefault(key) + count;
            }
        }
    }
}
