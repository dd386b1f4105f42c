using System.Text.Json;

namespace LlmWorkflow.Simulator.Completions;

/// <summary>Reads <c>cache_control: {type: ephemeral, ttl: 5m|1h}</c>, which Anthropic defines and OpenRouter passes on.</summary>
internal static class CacheMark
{
    /// <summary>How long to keep what ends here; null: there is no mark. And whether a mark is there that cannot be read.</summary>
    public static (CacheLifetime? Lifetime, bool Invalid) Read(JsonElement part)
    {
        if (!part.TryGetProperty("cache_control", out var mark) || mark.ValueKind is JsonValueKind.Null)
        {
            return (null, false);
        }

        if (mark.ValueKind is not JsonValueKind.Object || !mark.TryGetProperty("type", out var type) || !type.ValueEquals("ephemeral"))
        {
            return (null, true);
        }

        return !mark.TryGetProperty("ttl", out var ttl) || ttl.ValueEquals("5m") ? (CacheLifetime.FiveMinutes, false)
            : ttl.ValueEquals("1h") ? (CacheLifetime.OneHour, false)
            : (null, true);
    }
}
