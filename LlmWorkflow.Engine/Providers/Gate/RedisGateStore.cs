using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Queue;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>
/// Gates of the fleet: each one a text under one key, changed by compare-and-set together with its provider's breaker and the places of the asks in hand. One call
/// of a script compares, writes and tells Redis's time, so that an undisturbed change takes one round trip: it starts from what this process saw last.
/// </summary>
internal sealed class RedisGateStore(IConnectionMultiplexer redis, string prefix, TimeProvider time, Func<double> chance) : IGateStore
{
    /// <summary>A place that nobody came for is forgotten after this time, in milliseconds.</summary>
    public const long PlaceKeptMs = 30_000;

    // What was learned about a provider survives quiet hours.
    private const long GateKeptMs = 24 * 3_600_000;

    // Stands for "anything": no text is equal to it, so the call only reads.
    private const string Unread = "?";

    private const string SwapScript = """
        local time, current, same = redis.call('TIME'), redis.call('MGET', unpack(KEYS)), true
        for i = 1, #KEYS do
            current[i] = current[i] or ''
            same = same and current[i] == ARGV[i * 3 - 2]
        end
        if not same then return {'0', time[1], time[2], unpack(current)} end
        for i = 1, #KEYS do
            local text, kept = ARGV[i * 3 - 1], ARGV[i * 3]
            if text == '' then
                if current[i] ~= '' then redis.call('DEL', KEYS[i]) end
            elseif kept ~= '0' then
                redis.call('SET', KEYS[i], text, 'PX', kept)
            end
        end
        return {'1', time[1], time[2]}
        """;

    // The client library's own calls have no time limit in the oldest version that we run on.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly RedisScript _swap = new(SwapScript);
    private readonly ConcurrentDictionary<GateKey, Seen> _seen = new();
    private long _clock = long.MinValue;

    /// <summary>Milliseconds of Unix time by Redis's clock, as far as this process knows it; else by its own.</summary>
    public long Now => Volatile.Read(ref _clock) is not long.MinValue and var ahead ? Own + ahead : time.GetUtcNow().ToUnixTimeMilliseconds();

    // A clock that nobody sets.
    private long Own => (long)time.GetElapsedTime(0, time.GetTimestamp()).TotalMilliseconds;

    /// <summary>What this process saw last of a gate; null: nothing.</summary>
    public GateSnapshot? LastSeen(GateKey key) => _seen.TryGetValue(key, out var seen) ? new(seen.Gate, seen.Breaker, new Dictionary<string, long>()) : null;

    /// <inheritdoc/>
    public async Task<GateTurn> UpdateAsync(GateKey key, IReadOnlyCollection<string> tickets, GateChange change)
    {
        string[] asked = [.. tickets.Distinct(StringComparer.Ordinal)];
        var scope = $"{{{prefix}}}:llm";
        var (gate, account) = (Hash(key.Provider, key.Credential, key.Model), Hash(key.Provider, key.Credential));
        string[] keys = [$"{scope}:gate:{gate}", $"{scope}:breaker:{account}", .. asked.Select(ticket => $"{scope}:ticket:{Hash(gate, ticket)}")];
        var seen = _seen.GetValueOrDefault(key) ?? new Seen(Unread, GateState.Unknown, Unread, BreakerState.Closed);
        var texts = new string[keys.Length];
        Array.Fill(texts, "");
        (texts[0], texts[1]) = (seen.GateText, seen.BreakerText);
        for (var attempt = 0; ; attempt++)
        {
            var places = new Dictionary<string, long>(StringComparer.Ordinal);
            for (var i = 0; i < asked.Length; i++)
            {
                if (long.TryParse(texts[i + 2], CultureInfo.InvariantCulture, out var place))
                {
                    places[asked[i]] = place;
                }
            }

            // Without the clock or the state there is nothing to change yet: the first call only reads.
            var turn = texts[0] == Unread || _clock == long.MinValue ? null : change(new(seen.Gate, seen.Breaker, places), Now, 1);
            var next = turn is null ? null : Written(turn, seen, asked);
            var arguments = Arguments(texts, next, turn);
            var current = await SwapAsync(keys, arguments);
            if (current is null)
            {
                _seen[key] = Seen.Of(next![0], turn!.After.Gate, next[1], turn.After.Breaker);
                return turn;
            }

            seen = Seen.Of(current[0], Parse(current[0], GateJson.Default.GateState) ?? Remembered(seen), current[1], Parse(current[1], GateJson.Default.BreakerState) ?? BreakerState.Closed);
            texts = current;
            if (attempt > 0)
            {
                // Two that keep meeting step apart.
                await Task.Delay(TimeSpan.FromMilliseconds(chance() * Math.Min(attempt, 20)), time);
            }
        }
    }

    // A Redis that was emptied learns from whoever still knows; the calls in flight of others tell themselves.
    private static GateState Remembered(Seen seen) => seen.Gate with { Shares = new Dictionary<string, GateShare>() };

    private static string[] Written(GateTurn turn, Seen seen, string[] asked)
    {
        var after = turn.After;
        return
        [
            JsonSerializer.Serialize(after.Gate, GateJson.Default.GateState),
            ReferenceEquals(after.Breaker, seen.Breaker) ? seen.BreakerText : JsonSerializer.Serialize(after.Breaker, GateJson.Default.BreakerState),
            .. asked.Select(ticket => after.Places.TryGetValue(ticket, out var place) ? place.ToString(CultureInfo.InvariantCulture) : ""),
        ];
    }

    private static string[] Arguments(string[] texts, string[]? next, GateTurn? turn)
    {
        var arguments = new string[texts.Length * 3];
        for (var i = 0; i < texts.Length; i++)
        {
            var text = next?[i] ?? "";
            (arguments[i * 3], arguments[(i * 3) + 1]) = (next is null ? Unread : texts[i], text);
            arguments[(i * 3) + 2] = (i < 2 ? text == texts[i] ? 0 : GateKeptMs : turn is null || text.Length == 0 ? 0 : Kept(turn, text)).ToString(CultureInfo.InvariantCulture);
        }

        return arguments;
    }

    // A place is kept until some time after it has come; a pause puts it off.
    private static long Kept(GateTurn turn, string place)
    {
        var (gate, now) = (turn.After.Gate, turn.At.Now);
        var pause = gate.PausedUntil is { } end && now < end ? end - now : 0;
        return pause + Math.Max(0, long.Parse(place, CultureInfo.InvariantCulture) - gate.Clock(now)) + PlaceKeptMs;
    }

    /// <summary>Null when it was written; else what is there.</summary>
    private async Task<string[]?> SwapAsync(string[] keys, string[] arguments)
    {
        var result = (string?[]?)await _swap.RunAsync(redis.GetDatabase(), keys, arguments).WaitAsync(s_patience, time) ?? throw new TimeoutException("Redis gave no answer.");
        var now = (long.Parse(result[1]!, CultureInfo.InvariantCulture) * 1000) + (long.Parse(result[2]!, CultureInfo.InvariantCulture) / 1000);
        Volatile.Write(ref _clock, now - Own);
        return result[0] == "1" ? null : [.. result.Skip(3).Select(text => text ?? "")];
    }

    // A text of another version or hand counts as nothing.
    private static T? Parse<T>(string text, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return text.Length == 0 ? null : JsonSerializer.Deserialize(text, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Hash(params string[] parts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))).AsSpan(0, 16));

    private sealed record Seen(string GateText, GateState Gate, string BreakerText, BreakerState Breaker)
    {
        public static Seen Of(string gateText, GateState gate, string breakerText, BreakerState breaker) => new(gateText, gate, breakerText, breaker);
    }
}
