using System.Collections.Frozen;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>
/// A step's <c>provider_options</c>: three that the engine translates for each provider (<see cref="CommonOptions"/>), and members of the request body that
/// it does not know. They ride in <see cref="ChatOptions.AdditionalProperties"/> as <see cref="JsonElement"/>s.
/// </summary>
internal static class ProviderOptions
{
    // What the engine sends itself: a second value would make calls that are not what the ledger, the budget and the reader of replies take them for.
    private static readonly FrozenDictionary<string, string> s_refused = new Dictionary<string, string>
    {
        ["model"] = "use the step's 'model'",
        ["messages"] = "use the step's prompts",
        ["stream"] = "use the step's 'stream'",
        ["stream_options"] = "it is always sent",
        ["max_tokens"] = "use the step's 'max_tokens'",
        ["max_completion_tokens"] = "use the step's 'max_tokens'",
        ["temperature"] = "use the step's 'temperature'",
        ["top_p"] = "use the step's 'top_p'",
        ["stop"] = "use the step's 'stop'",
        ["seed"] = "use the step's 'seed'",
        ["response_format"] = "use the step's 'response_format'",
        ["n"] = "one reply is read",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, FrozenDictionary<string, string>> s_refusedBy = new Dictionary<string, FrozenDictionary<string, string>>
    {
        ["anthropic"] = new Dictionary<string, string>
        {
            ["system"] = "use the step's 'system_prompt'",
            ["stop_sequences"] = "use the step's 'stop'",
            ["output_config"] = "use the step's 'response_format', and 'reasoning_effort' in 'provider_options'",
            ["output_format"] = "use the step's 'response_format'",
        }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase),
        ["openrouter"] = new Dictionary<string, string>
        {
            // A model that the worst case was not reserved for would answer.
            ["models"] = "use the step's 'fallbacks'",
            ["route"] = "use the step's 'fallbacks'",
        }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase),
        ["openai"] = new Dictionary<string, string>
        {
            ["audio"] = "text is read",
            ["modalities"] = "text is read",
        }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Why an option of this name is refused, as half a sentence; null when it is not.</summary>
    /// <param name="name">The option.</param>
    /// <param name="provider">Whose; null: only what all providers refuse.</param>
    public static string? Refusal(string name, string? provider = null) =>
        s_refused.GetValueOrDefault(name) ?? (provider is null ? null : s_refusedBy.GetValueOrDefault(provider)?.GetValueOrDefault(name));

    /// <summary>The options as they may be sent.</summary>
    /// <param name="options">An object.</param>
    /// <param name="provider">Whom they are for.</param>
    /// <exception cref="WorkflowException">One of them is refused, or one that the engine translates has a wrong value.</exception>
    public static JsonElement Check(JsonElement options, string provider)
    {
        foreach (var option in options.EnumerateObject())
        {
            if (Refusal(option.Name, provider) is { } reason)
            {
                throw Wrong(option.Name, $"'provider_options' may not hold '{Redactor.Text(option.Name)}': {reason}.");
            }

            if (CommonOptions.Fault(option.Name, option.Value) is { } fault)
            {
                throw Wrong(option.Name, fault);
            }
        }

        return options;
    }

    /// <summary>Never fewer input tokens than the options add: tools and the like are part of the prompt.</summary>
    public static long InputUpperBound(JsonElement options) =>
        options.ValueKind is JsonValueKind.Object ? System.Text.Encoding.UTF8.GetByteCount(options.GetRawText()) : 0;

    /// <summary>Whether the provider may bill more than tokens for them: searches of the web, tools that it runs itself.</summary>
    public static bool AreBilledByUse(JsonElement options) => options.ValueKind is JsonValueKind.Object
        && (options.TryGetProperty("plugins", out _) || options.TryGetProperty("web_search_options", out _)
            || (options.TryGetProperty("tools", out var tools) && tools.ValueKind is JsonValueKind.Array && tools.EnumerateArray().Any(IsProvidersTool)));

    // A tool of the caller's has no type (Anthropic) or one of these.
    private static bool IsProvidersTool(JsonElement tool) => tool.ValueKind is JsonValueKind.Object && tool.TryGetProperty("type", out var type)
        && !(type.ValueKind is JsonValueKind.String && (type.ValueEquals("function") || type.ValueEquals("custom")));

    /// <summary>Hands them to the client.</summary>
    public static void AttachTo(ChatOptions options, JsonElement further)
    {
        options.AdditionalProperties ??= [];
        foreach (var option in further.EnumerateObject())
        {
            options.AdditionalProperties[option.Name] = option.Value;
        }
    }

    /// <summary>Those that a call has: what the engine translates, and what goes into the body as it is.</summary>
    /// <exception cref="WorkflowException">The provider refuses one of them, or a value is wrong.</exception>
    public static (CommonOptions Common, IReadOnlyDictionary<string, JsonElement> Further) Of(ChatOptions? options, string provider)
    {
        var common = new CommonOptions();
        var further = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (name, value) in options?.AdditionalProperties ?? [])
        {
            if (value is not JsonElement json)
            {
                continue;
            }

            if (Refusal(name, provider) is { } reason)
            {
                throw Wrong(name, $"'provider_options' may not hold '{Redactor.Text(name)}' for {provider}: {reason}.");
            }

            if (CommonOptions.Fault(name, json) is { } fault)
            {
                throw Wrong(name, fault);
            }

            if (common.With(name, json) is { } known)
            {
                common = known;
            }
            else
            {
                further[name] = json;
            }
        }

        return (common, further);
    }

    private static WorkflowException Wrong(string name, string message) => new(new WorkflowError
    {
        Type = ErrorTypes.InvalidDefinition,
        Category = ErrorCategory.Config,
        Message = message,
        Details = new ErrorDetails { Suggestions = [$"Correct '{Redactor.Text(name)}' in 'provider_options', or take it out."] },
    });
}
