using System.Globalization;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.Queue;

/// <summary>
/// Redis streams that wake workers: one per priority, entries hold a job id and nothing else. Losing all of it loses nothing, because the
/// sweep puts back what Postgres has. When Redis is away, calls return without effect and say so once.
/// </summary>
public sealed class JobStream
{
    /// <summary>Priorities 0 to 10.</summary>
    public const int Priorities = 11;

    private const string Group = "workers";

    // Draws a stream for each free slot, weight 2^priority among those that are not empty, so that higher ones go first and none starves.
    // An entry is acknowledged and deleted at once: it needs no second life, the sweep has the row. The group is made here when a flush
    // has taken it away.
    private const string TakeScript = """
        math.randomseed(tonumber(ARGV[3]))
        local length, total = {}, 0
        for i, key in ipairs(KEYS) do
            length[i] = redis.call('XLEN', key)
            if length[i] > 0 then total = total + 2 ^ (i - 1) end
        end
        local take, wanted = {}, tonumber(ARGV[1])
        while wanted > 0 and total > 0 do
            local draw, chosen = math.random() * total, nil
            for i = 1, #KEYS do
                if length[i] > 0 then
                    chosen = i
                    draw = draw - 2 ^ (i - 1)
                    if draw < 0 then break end
                end
            end
            take[chosen] = (take[chosen] or 0) + 1
            length[chosen] = length[chosen] - 1
            if length[chosen] == 0 then total = total - 2 ^ (chosen - 1) end
            wanted = wanted - 1
        end
        local jobs = {}
        for i = #KEYS, 1, -1 do
            if take[i] then
                local read = redis.pcall('XREADGROUP', 'GROUP', ARGV[2], 'taker', 'COUNT', take[i], 'STREAMS', KEYS[i], '>')
                if read and read.err then
                    redis.call('XGROUP', 'CREATE', KEYS[i], ARGV[2], '0')
                    read = redis.call('XREADGROUP', 'GROUP', ARGV[2], 'taker', 'COUNT', take[i], 'STREAMS', KEYS[i], '>')
                end
                if read then
                    local ids = {}
                    for _, entry in ipairs(read[1][2]) do
                        ids[#ids + 1] = entry[1]
                        jobs[#jobs + 1] = entry[2][2]
                    end
                    redis.call('XACK', KEYS[i], ARGV[2], unpack(ids))
                    redis.call('XDEL', KEYS[i], unpack(ids))
                end
            end
        end
        return jobs
        """;

    // Fills a stream only while it is empty, so that workers that sweep at the same time do not add the same jobs twice.
    private const string FillScript = """
        if redis.call('XLEN', KEYS[1]) > 0 then return 0 end
        for _, job in ipairs(ARGV) do redis.call('XADD', KEYS[1], '*', 'job', job) end
        return #ARGV
        """;

    // The client library's own calls have no time limit in the oldest version that we run on: a server that accepts and stays silent would
    // hold a caller for ever.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    // What one call of the take script may take: it keeps the script short, and lets workers share a burst.
    private const int LargestTake = 64;

    private readonly IConnectionMultiplexer _redis;
    private readonly ILogger<JobStream> _logger;
    private readonly string[] _keys;
    private readonly RedisChannel _nudges;
    private readonly RedisScript _take = new(TakeScript);
    private readonly RedisScript _fill = new(FillScript);
    private readonly string _gates;
    private int _away;

    /// <summary>Streams under the prefix of <paramref name="options"/>.</summary>
    public JobStream(IConnectionMultiplexer redis, IOptions<EngineOptions> options, ILogger<JobStream> logger)
    {
        _redis = redis;
        _logger = logger;
        _keys = [.. Enumerable.Range(0, Priorities).Select(p => $"{{{options.Value.RedisPrefix}}}:queue:{p}")];
        _gates = $"{{{options.Value.RedisPrefix}}}:gate";
        _nudges = new($"{{{options.Value.RedisPrefix}}}:nudge", RedisChannel.PatternMode.Literal);
    }

    /// <summary>Adds jobs and wakes workers. Without Redis it returns: the sweep adds them later.</summary>
    public Task AddAsync(IReadOnlyList<QueuedJob> jobs) => jobs.Count == 0 ? Task.CompletedTask : GuardAsync(async database =>
    {
        var writes = new Task[jobs.Count];
        for (var i = 0; i < jobs.Count; i++)
        {
            writes[i] = database.ExecuteAsync("XADD", (RedisKey)_keys[jobs[i].Priority], "*", "job", jobs[i].JobId.ToString("N"));
        }

        var nudge = database.PublishAsync(_nudges, RedisValue.EmptyString);
        await Task.WhenAll(writes);
        await nudge;
        return true;
    });

    /// <summary>Takes up to <paramref name="count"/> jobs off the streams.</summary>
    public async Task<IReadOnlyList<Guid>> TakeAsync(int count, int seed)
    {
        var taken = await GuardAsync(async database =>
        {
            var result = await _take.RunAsync(
                database, _keys, [Math.Min(count, LargestTake).ToString(CultureInfo.InvariantCulture), Group, seed.ToString(CultureInfo.InvariantCulture)]);
            var ids = new List<Guid>();
            foreach (var id in (string?[]?)result ?? [])
            {
                // Somebody else's entry in our stream is dropped: it is not a job.
                if (Guid.TryParse(id, out var job))
                {
                    ids.Add(job);
                }
            }

            return ids;
        });
        return taken ?? [];
    }

    /// <summary>Puts jobs back into the stream of a priority if that is empty. Returns how many were added.</summary>
    public async Task<int> FillAsync(short priority, IReadOnlyList<Guid> jobs) => await GuardAsync(async database =>
    {
        var added = (int)await _fill.RunAsync(database, [_keys[priority]], [.. jobs.Select(j => j.ToString("N"))]);
        if (added > 0)
        {
            await database.PublishAsync(_nudges, RedisValue.EmptyString);
        }

        return added;
    });

    /// <summary>Time of the oldest entry of each priority's stream, by Redis's clock; null when it is empty. The list is null without Redis.</summary>
    public Task<DateTimeOffset?[]?> OldestAsync() => GuardAsync<DateTimeOffset?[]>(async database =>
    {
        var reads = _keys.Select(key => database.ExecuteAsync("XRANGE", (RedisKey)key, "-", "+", "COUNT", "1")).ToArray();
        var oldest = new DateTimeOffset?[reads.Length];
        for (var i = 0; i < reads.Length; i++)
        {
            var entries = (RedisResult[]?)await reads[i] ?? [];
            if (entries is [var entry, ..] && (string?)((RedisResult[]?)entry)?[0] is { } id)
            {
                oldest[i] = DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(id.AsSpan(0, id.IndexOf('-', StringComparison.Ordinal)), CultureInfo.InvariantCulture));
            }
        }

        return oldest;
    });

    /// <summary>True for one caller of the fleet within <paramref name="every"/>.</summary>
    public Task<bool> TryEnterAsync(string gate, TimeSpan every) =>
        GuardAsync(database => database.StringSetAsync($"{_gates}:{gate}", "1", every, When.NotExists));

    /// <summary>Calls <paramref name="wake"/> whenever jobs were added. The subscription outlives reconnects.</summary>
    public Task SubscribeAsync(Action wake) => GuardAsync(async _ =>
    {
        await _redis.GetSubscriber().SubscribeAsync(_nudges, (_, _) => wake());
        return true;
    });

    private async Task<T?> GuardAsync<T>(Func<IDatabase, Task<T>> call)
    {
        try
        {
            var result = await call(_redis.GetDatabase()).WaitAsync(Patience);
            if (Interlocked.Exchange(ref _away, 0) == 1)
            {
                Log.RedisBack(_logger);
            }

            return result;
        }
        catch (Exception e) when (Outage.IsOfRedis(e))
        {
            if (Interlocked.Exchange(ref _away, 1) == 0)
            {
                Log.RedisAway(_logger, e.Message);
            }

            return default;
        }
    }
}
