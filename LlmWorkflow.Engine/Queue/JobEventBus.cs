using System.Collections.Concurrent;
using System.Globalization;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.Queue;

/// <summary>
/// What passes between workers and API instances besides Postgres, all of it best effort: nudges (a job has new events), streamed text (a
/// capped Redis stream per job), cancel signals. Without Redis every call returns at once, says so once per outage, and readers poll Postgres.
/// </summary>
public sealed class JobEventBus
{
    /// <summary>Pieces of one call are joined for this long, so that a fast model costs 25 stream entries a second and not one per token.</summary>
    private static readonly TimeSpan Coalesce = TimeSpan.FromMilliseconds(40);

    /// <summary>Jobs served per tick: with more streaming jobs the ticks of each grow apart instead of the worker's load (200 per 40 ms = 5,000 entries/s).</summary>
    private const int LargestTick = 200;

    /// <summary>A call of 10 minutes, the longest there is, makes 15,000 entries: the start of a running call is never cut off.</summary>
    private const string LongestStream = "16384";

    private const string Lifetime = "3600";

    /// <summary>Once a step has ended nobody needs its text: readers take it from the step's output.</summary>
    private const string LifetimeWhenFlushed = "60";

    /// <summary>StackExchange.Redis 1.2.6 does not limit asynchronous calls on a server that hangs.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ForgetAfter = TimeSpan.FromMinutes(15);

    private readonly IConnectionMultiplexer _redis;
    private readonly TimeProvider _time;
    private readonly ILogger<JobEventBus> _logger;
    private readonly string _prefix;
    private readonly RedisChannel _cancels;
    private readonly ConcurrentDictionary<Guid, LiveText> _live = new();
    private readonly ConcurrentQueue<LiveText> _dirty = new();
    private long _lastForget;
    private int _sending;
    private int _away;

    /// <summary>A bus under the prefix of <paramref name="options"/>.</summary>
    public JobEventBus(IConnectionMultiplexer redis, IOptions<EngineOptions> options, TimeProvider time, ILogger<JobEventBus> logger)
    {
        _redis = redis;
        _time = time;
        _logger = logger;
        _prefix = $"{{{options.Value.RedisPrefix}}}";
        _cancels = new($"{_prefix}:cancel", RedisChannel.PatternMode.Literal);
        _lastForget = time.GetTimestamp();
        redis.ConnectionRestored += (_, _) => Back();
    }

    /// <summary>Whether nudges can be expected; without them readers poll more often.</summary>
    public bool IsAvailable => Volatile.Read(ref _away) == 0 && _redis.IsConnected;

    /// <summary>Tells readers that the job has new events. Returns at once.</summary>
    public void Nudge(Guid jobId) => Publish(Channel(jobId), RedisValue.EmptyString);

    /// <summary>Asks whichever worker runs the job to stop it. Returns at once; the worker also looks for itself.</summary>
    public void RequestCancel(Guid jobId) => Publish(_cancels, jobId.ToString("N"));

    /// <summary>Hands on streamed text. Returns at once.</summary>
    public void PublishDelta(Guid jobId, LlmDelta delta)
    {
        if (delta.Text.Length == 0)
        {
            return;
        }

        LiveText live;
        bool? isFirst;
        do
        {
            live = _live.GetOrAdd(jobId, static id => new(id));
            isFirst = live.Append(delta, _time.GetTimestamp());
            if (isFirst is null)
            {
                _live.TryRemove(new(jobId, live));
            }
        }
        while (isFirst is null);

        if (isFirst.Value)
        {
            Enqueue(live);
        }
    }

    /// <summary>
    /// Sends what is left of a step's streamed text, for the moment before its end is told. Takes at most a second, and no time at all while Redis is
    /// away.
    /// </summary>
    public async Task FlushAsync(Guid jobId, string stepPath)
    {
        if (!_live.TryGetValue(jobId, out var live))
        {
            return;
        }

        var isLast = live.End(stepPath);
        if (isLast)
        {
            _live.TryRemove(new(jobId, live));
        }

        await SendRestAsync(live, isLast);
    }

    /// <summary>Sends what is left of a job's streamed text, whatever step it is of: the job does not run here any more.</summary>
    public async Task FlushAsync(Guid jobId)
    {
        if (_live.TryRemove(jobId, out var live))
        {
            await SendRestAsync(live, isLast: true);
        }
    }

    /// <summary>
    /// Calls <paramref name="wake"/> for each nudge of the job until disposed. Reconnects are survived. <paramref name="wake"/> must not block.
    /// </summary>
    public async Task<IAsyncDisposable> SubscribeAsync(Guid jobId, Action wake)
    {
        ArgumentNullException.ThrowIfNull(wake);
        var channel = Channel(jobId);
        Action<RedisChannel, RedisValue> received = (_, _) => wake();
        await TrySubscriberAsync(subscriber => subscriber.SubscribeAsync(channel, received));
        return new Subscription(() => TrySubscriberAsync(subscriber => subscriber.UnsubscribeAsync(channel, received)));
    }

    /// <summary>Calls <paramref name="cancelled"/> for each job that is to be stopped.</summary>
    public Task SubscribeCancelsAsync(Action<Guid> cancelled)
    {
        ArgumentNullException.ThrowIfNull(cancelled);
        return TrySubscriberAsync(subscriber => subscriber.SubscribeAsync(_cancels, (_, text) =>
        {
            if (Guid.TryParseExact((string?)text, "N", out var jobId))
            {
                cancelled(jobId);
            }
        }));
    }

    /// <summary>Streamed text of the job after the entry <paramref name="afterId"/>; from the start when it is null. Empty without Redis.</summary>
    public async Task<IReadOnlyList<LiveEntry>> ReadLiveAsync(Guid jobId, string? afterId)
    {
        List<LiveEntry> entries = [];
        await TryAsync(async database =>
        {
            var read = (RedisResult[]?)await database.ExecuteAsync("XRANGE", (RedisKey)LiveKey(jobId), afterId is null ? "-" : "(" + afterId, "+");
            foreach (var entry in read ?? [])
            {
                if ((RedisResult[]?)entry is [var id, var fields] && (string?[]?)fields is [_, { } step, _, { } call, _, { } offset, _, { } text])
                {
                    entries.Add(new((string?)id ?? "", step, Number(call), Number(offset), text));
                }
            }
        });
        return entries;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private RedisChannel Channel(Guid jobId) => new($"{_prefix}:events:{jobId:N}", RedisChannel.PatternMode.Literal);

    private string LiveKey(Guid jobId) => $"{_prefix}:live:{jobId:N}";

    private void Enqueue(LiveText live)
    {
        _dirty.Enqueue(live);
        if (Interlocked.Exchange(ref _sending, 1) == 0)
        {
            _ = Task.Run(SendLoopAsync);
        }
    }

    // The first piece goes out at once, those after it every 40 ms; the loop ends when there is nothing to send.
    private async Task SendLoopAsync()
    {
        do
        {
            do
            {
                var tick = new List<Task>();
                while (tick.Count < LargestTick && _dirty.TryDequeue(out var live))
                {
                    tick.Add(SendOrKeepAsync(live));
                }

                await Task.WhenAll(tick);
                Forget();
                await Task.Delay(Volatile.Read(ref _away) == 0 ? Coalesce : Patience, _time);
            }
            while (!_dirty.IsEmpty);

            Volatile.Write(ref _sending, 0);
        }
        while (!_dirty.IsEmpty && Interlocked.Exchange(ref _sending, 1) == 0);
    }

    private async Task SendOrKeepAsync(LiveText live)
    {
        if (!await SendAsync(live) && _live.ContainsKey(live.JobId) && live.Failed())
        {
            _dirty.Enqueue(live);
        }
    }

    private async Task<bool> SendAsync(LiveText live)
    {
        await live.Sending.WaitAsync();
        try
        {
            var pieces = live.Take();
            if (pieces.Count == 0)
            {
                return true;
            }

            var sent = await TryAsync(database => WriteAsync(database, live, pieces));
            if (sent)
            {
                live.Sent(pieces.Count);
                Nudge(live.JobId);
            }

            return sent;
        }
        finally
        {
            live.Sending.Release();
        }
    }

    private async Task SendRestAsync(LiveText live, bool isLast)
    {
        if (Volatile.Read(ref _away) == 0 && await SendAsync(live) && isLast)
        {
            await TryAsync(database => database.ExecuteAsync("EXPIRE", (RedisKey)LiveKey(live.JobId), LifetimeWhenFlushed));
        }
    }

    private async Task WriteAsync(IDatabase database, LiveText live, IReadOnlyList<LiveEntry> pieces)
    {
        RedisKey key = LiveKey(live.JobId);
        var writes = new List<Task>(pieces.Count + 1);
        foreach (var piece in pieces)
        {
            writes.Add(database.ExecuteAsync(
                "XADD", key, "MAXLEN", "~", LongestStream, "*", "s", piece.StepPath, "c", piece.Call.ToString(CultureInfo.InvariantCulture),
                "o", piece.Offset.ToString(CultureInfo.InvariantCulture), "t", piece.Text));
        }

        if (!live.HasLifetime)
        {
            writes.Add(database.ExecuteAsync("EXPIRE", key, Lifetime));
        }

        await Task.WhenAll(writes);
        live.HasLifetime = true;
    }

    // Jobs that were cancelled in mid-call are not flushed.
    private void Forget()
    {
        if (_time.GetElapsedTime(_lastForget) < ForgetAfter)
        {
            return;
        }

        _lastForget = _time.GetTimestamp();
        foreach (var (jobId, live) in _live)
        {
            if (_time.GetElapsedTime(live.LastUsed) > ForgetAfter)
            {
                _live.TryRemove(jobId, out _);
            }
        }
    }

    private void Publish(RedisChannel channel, RedisValue message)
    {
        try
        {
            _redis.GetDatabase().Publish(channel, message, CommandFlags.FireAndForget);
        }
        catch (Exception e) when (Outage.IsOfRedis(e))
        {
            Away(e);
        }
    }

    private async Task<bool> TryAsync(Func<IDatabase, Task> call)
    {
        try
        {
            await call(_redis.GetDatabase()).WaitAsync(Patience, _time);
            Back();
            return true;
        }
        catch (Exception e) when (Outage.IsOfRedis(e))
        {
            Away(e);
            return false;
        }
    }

    // Says nothing of whether Redis is there: the library remembers subscriptions and makes them when it comes.
    private async Task TrySubscriberAsync(Func<ISubscriber, Task> call)
    {
        try
        {
            await call(_redis.GetSubscriber()).WaitAsync(Patience, _time);
        }
        catch (Exception e) when (Outage.IsOfRedis(e))
        {
            Away(e);
        }
    }

    private void Away(Exception exception)
    {
        if (Interlocked.Exchange(ref _away, 1) == 0)
        {
            Log.RedisAway(_logger, exception.Message);
        }
    }

    private void Back()
    {
        if (Interlocked.Exchange(ref _away, 0) == 1)
        {
            Log.RedisBack(_logger);
        }
    }

    private sealed class Subscription(Func<Task> end) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await end();
    }
}
