using System.Text.Json;

namespace LlmWorkflow.Engine.Providers;

/// <summary>The members of <c>provider_options</c> that mean the same everywhere, and that each client translates into its provider's own form.</summary>
internal sealed record CommonOptions
{
    /// <summary><c>reasoning_effort</c>: <c>low</c>, <c>medium</c>, <c>high</c>, and what else the model knows; null: the model's default.</summary>
    public string? ReasoningEffort { get; init; }

    /// <summary><c>cache_control</c>, for example <c>{"type": "ephemeral", "ttl": "1h"}</c>: the prompt is cached up to the end of the system prompt; Undefined: no marks.</summary>
    public JsonElement CacheControl { get; init; }

    /// <summary><c>cache_messages</c>: a second mark at the end of the messages before the last one.</summary>
    public bool CacheMessages { get; init; }

    /// <summary>Whether the prompt gets marks.</summary>
    public bool Marks => CacheControl.ValueKind is JsonValueKind.Object;

    /// <summary>What is wrong with a value, as a sentence; null when nothing is, or when the name is none of these.</summary>
    public static string? Fault(string name, JsonElement value) => name switch
    {
        "reasoning_effort" when value.ValueKind is not JsonValueKind.String || string.IsNullOrWhiteSpace(value.GetString()) =>
            "'reasoning_effort' in 'provider_options' must be a text such as \"low\", \"medium\" or \"high\".",
        "cache_control" when !IsCacheControl(value) =>
            "'cache_control' in 'provider_options' must be {\"type\": \"ephemeral\"}, with \"ttl\": \"5m\" or \"1h\" if wanted.",
        "cache_messages" when value.ValueKind is not (JsonValueKind.True or JsonValueKind.False) => "'cache_messages' in 'provider_options' must be true or false.",
        _ => null,
    };

    /// <summary>This with one more option; null when the name is none of these.</summary>
    public CommonOptions? With(string name, JsonElement value) => name switch
    {
        "reasoning_effort" => this with { ReasoningEffort = value.GetString() },
        "cache_control" => this with { CacheControl = value },
        "cache_messages" => this with { CacheMessages = value.ValueKind is JsonValueKind.True },
        _ => null,
    };

    private static bool IsCacheControl(JsonElement value) =>
        value.ValueKind is JsonValueKind.Object
        && value.TryGetProperty("type", out var type) && type.ValueKind is JsonValueKind.String && type.ValueEquals("ephemeral")
        && (!value.TryGetProperty("ttl", out var ttl) || (ttl.ValueKind is JsonValueKind.String && (ttl.ValueEquals("5m") || ttl.ValueEquals("1h"))));
}
