using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Simulator.Completions;

namespace LlmWorkflow.Simulator.OpenAi;

/// <summary>What OpenAI's models are like, and what they refuse.</summary>
internal static partial class OpenAiModels
{
    private const int LeastCachedTokens = 1024;

    /// <summary>Null: there is no such model. A dated snapshot is its model.</summary>
    public static ModelPrice? PriceOf(string model) => PriceTable.OfVendor("openai", Snapshot().Replace(model, ""));

    public static CacheRules CacheOf(ModelPrice price) => new(Marked: false, LeastCachedTokens, ReportsWrites: price.CacheWrite > 0m);

    /// <summary>GPT-5 and later: they think, and have given up parameters.</summary>
    public static bool Reasons(string model) => Reasoning().IsMatch(model);

    /// <summary>What the model refuses in an otherwise valid request.</summary>
    public static UpstreamFault? Refuse(string model, JsonElement root)
    {
        if (!Reasons(model))
        {
            return null;
        }

        if (Given(root, "max_tokens"))
        {
            return OpenAiErrors.BadRequest(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter");
        }

        // Without reasoning they sample as others do.
        var thinks = ChatCompletionBody.Word(root, "reasoning_effort") is not "none";
        foreach (var name in (ReadOnlySpan<string>)["temperature", "top_p"])
        {
            if (thinks && Given(root, name) && root.GetProperty(name).GetDouble() is var value and not 1)
            {
                return OpenAiErrors.BadRequest(
                    string.Create(System.Globalization.CultureInfo.InvariantCulture,
                        $"Unsupported value: '{name}' does not support {value} with this model. Only the default (1) value is supported."),
                    name, "unsupported_value");
            }
        }

        return null;
    }

    /// <summary>Tokens of thinking before the reply.</summary>
    public static int ReasoningTokens(string model, JsonElement root) => ChatCompletionBody.Word(root, "reasoning_effort") switch
    {
        _ when !Reasons(model) => 0,
        "low" => 32,
        "medium" => 64,
        "high" => 128,
        "xhigh" or "max" => 256,
        _ => 0,
    };

    /// <summary>Fast tiers cost twice as much, patient ones half.</summary>
    public static decimal Multiplier(string? serviceTier) => serviceTier switch
    {
        "priority" or "fast" => 2m,
        "flex" or "batch" => 0.5m,
        _ => 1m,
    };

    private static bool Given(JsonElement root, string name) => root.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Number;

    [GeneratedRegex(@"-\d{4}-\d{2}-\d{2}$")]
    private static partial Regex Snapshot();

    [GeneratedRegex(@"^(?:gpt-(?:[5-9]|\d{2})|o\d)")]
    private static partial Regex Reasoning();
}
