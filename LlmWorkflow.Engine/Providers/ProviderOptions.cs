using System.Collections.Frozen;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>
/// A step's <c>provider_options</c>: members of the request body that the engine does not know. They ride in
/// <see cref="ChatOptions.AdditionalProperties"/> as <see cref="JsonElement"/>s.
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

    /// <summary>Why an option of this name is refused, as half a sentence; null when it is not.</summary>
    public static string? Refusal(string name) => s_refused.GetValueOrDefault(name);

    /// <summary>The options as they may be sent.</summary>
    /// <exception cref="WorkflowException">One of them is refused.</exception>
    public static JsonElement Check(JsonElement options)
    {
        foreach (var option in options.EnumerateObject())
        {
            if (Refusal(option.Name) is { } reason)
            {
                throw new WorkflowException(new WorkflowError
                {
                    Type = ErrorTypes.InvalidDefinition,
                    Category = ErrorCategory.Config,
                    Message = $"'provider_options' may not hold '{Redactor.Text(option.Name)}': {reason}.",
                    Details = new ErrorDetails { Suggestions = [$"Take '{Redactor.Text(option.Name)}' out of 'provider_options'."] },
                });
            }
        }

        return options;
    }

    /// <summary>Hands them to the client.</summary>
    public static void AttachTo(ChatOptions options, JsonElement further)
    {
        options.AdditionalProperties ??= [];
        foreach (var option in further.EnumerateObject())
        {
            options.AdditionalProperties[option.Name] = option.Value;
        }
    }

    /// <summary>Those that a call has, by name.</summary>
    public static Dictionary<string, JsonElement> Of(ChatOptions? options)
    {
        var further = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (name, value) in options?.AdditionalProperties ?? [])
        {
            if (value is JsonElement json && Refusal(name) is null)
            {
                further[name] = json;
            }
        }

        return further;
    }
}
