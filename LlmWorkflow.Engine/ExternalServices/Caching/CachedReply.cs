using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>A kept reply. Its age is counted by clocks that nobody sets: the store's until it was read, this process's from then on.</summary>
internal sealed record CachedReply
{
    /// <summary>Largest reply that is kept, in bytes of JSON.</summary>
    public const int LargestBytes = 4 * 1024 * 1024;

    /// <summary>What was asked.</summary>
    public required ReplyKey Key { get; init; }

    /// <summary>HTTP status.</summary>
    public required int StatusCode { get; init; }

    /// <summary>The mapped reply; a value of its own, that keeps no larger document alive.</summary>
    public required JsonElement Data { get; init; }

    /// <summary>Length of its JSON in UTF-8.</summary>
    public required int Bytes { get; init; }

    /// <summary>It is fresh until this age.</summary>
    public required TimeSpan Ttl { get; init; }

    /// <summary>It may stand in for a failed call until this age.</summary>
    public required TimeSpan KeptFor { get; init; }

    /// <summary>Its age when it was read.</summary>
    public required TimeSpan AgeWhenRead { get; init; }

    /// <summary>When it was read: <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public required long ReadAt { get; init; }

    /// <summary>The reply that a call gave; null when it cannot be kept: it failed, or is too large.</summary>
    public static CachedReply? Of(ReplyKey key, ServiceOutcome outcome, CachePolicy policy, TimeProvider time)
    {
        if (outcome is not { Error: null, Data.ValueKind: not JsonValueKind.Undefined } || JsonMarshal.GetRawUtf8Value(outcome.Data).Length > LargestBytes)
        {
            return null;
        }

        var body = SqlValues.Json(Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(outcome.Data)));
        return new()
        {
            Key = key,
            StatusCode = outcome.StatusCode,
            Data = Parse(body),
            Bytes = Encoding.UTF8.GetByteCount(body),
            Ttl = policy.Ttl,
            KeptFor = policy.Ttl + policy.StaleIfError,
            AgeWhenRead = TimeSpan.Zero,
            ReadAt = time.GetTimestamp(),
        };
    }

    /// <summary>The value of a kept body.</summary>
    public static JsonElement Parse(string body) => JsonElement.Parse(body, new JsonDocumentOptions { MaxDepth = JsonValues.MaxDepth });

    /// <summary>Its age now.</summary>
    public TimeSpan Age(TimeProvider time) => AgeWhenRead + time.GetElapsedTime(ReadAt);

    /// <summary>Whether it answers a caller.</summary>
    public bool IsFresh(CachePolicy policy, TimeProvider time) => Age(time) < (Ttl < policy.Ttl ? Ttl : policy.Ttl);

    /// <summary>Whether it may stand in for a caller's failed call.</summary>
    public bool MayStandIn(CachePolicy policy, TimeProvider time)
    {
        var age = Age(time);
        return policy.StaleIfError > TimeSpan.Zero && age < KeptFor && age < policy.Ttl + policy.StaleIfError;
    }

    /// <summary>The reply as an outcome.</summary>
    public ServiceOutcome ToOutcome(bool stale = false) => new() { Data = Data, StatusCode = StatusCode, Cached = true, Stale = stale };
}
