using System.Text.Json;
using LlmWorkflow.Simulator.OpenAi;

namespace LlmWorkflow.Simulator.Anthropic;

/// <summary>What a model refuses in an otherwise valid request.</summary>
internal static class ModelRules
{
    private static readonly string[] Efforts = ["low", "medium", "high", "xhigh", "max"];
    private static readonly string[] Sampling = ["temperature", "top_p", "top_k"];

    public static string? Fault(ClaudeModel model, JsonElement root, JsonElement messages) =>
        SamplingFault(model, root) ?? ThinkingFault(model, root) ?? ToolFault(model, root) ?? PrefillFault(model, messages) ?? EffortFault(root);

    /// <summary>The first that is given; null: none is.</summary>
    public static string? SamplingParameter(JsonElement root) => Array.Find(Sampling, name => root.TryGetProperty(name, out _));

    private static string? SamplingFault(ClaudeModel model, JsonElement root)
    {
        var (temperature, topP, topK) = (Number(root, "temperature"), Number(root, "top_p"), Number(root, "top_k"));
        if (temperature is < 0 or > 1)
        {
            return "temperature: range: 0..1";
        }

        if (topP is < 0 or > 1)
        {
            return "top_p: range: 0..1";
        }

        if (model.RefusesSampling)
        {
            var refused = temperature is not (null or 1) ? "temperature" : topP is not (null or 1) ? "top_p" : topK is not null ? "top_k" : null;
            return refused is null ? null : $"`{refused}` is not supported for this model: setting sampling parameters to a non-default value is an error.";
        }

        return model.RefusesTemperatureWithTopP && temperature is not null && topP is not null
            ? "`temperature` and `top_p` cannot both be specified for this model. Please use only one." : null;
    }

    private static string? ThinkingFault(ClaudeModel model, JsonElement root)
    {
        var type = root.TryGetProperty("thinking", out var thinking) && thinking.ValueKind is JsonValueKind.Object ? ChatCompletionBody.Word(thinking, "type") : null;
        return type switch
        {
            "enabled" when model.RefusesSampling => "thinking.type: 'enabled' is not supported for this model; use 'adaptive'.",
            "enabled" when ChatCompletionJson.Number(thinking, "budget_tokens") is var budget && (budget < 1024 || budget >= ChatCompletionJson.Number(root, "max_tokens")) =>
                "thinking.budget_tokens: must be at least 1024 and less than max_tokens",
            "enabled" when Number(root, "temperature") is not (null or 1) => "`temperature` may only be set to 1 when thinking is enabled.",
            "disabled" when model.RefusesForcedTools => "thinking.type: thinking cannot be disabled for this model.",
            _ => null,
        };
    }

    private static string? ToolFault(ClaudeModel model, JsonElement root) =>
        model.RefusesForcedTools && root.TryGetProperty("tool_choice", out var choice) && choice.ValueKind is JsonValueKind.Object
        && ChatCompletionBody.Word(choice, "type") is "any" or "tool"
            ? "tool_choice: forced tool use is not supported for this model." : null;

    private static string? PrefillFault(ClaudeModel model, JsonElement messages) =>
        model.RefusesPrefill && ChatCompletionBody.Word(messages[messages.GetArrayLength() - 1], "role") is "assistant"
            ? "This model does not support assistant message prefill. The conversation must end with a user message." : null;

    private static string? EffortFault(JsonElement root) =>
        root.TryGetProperty("output_config", out var config) && config.ValueKind is JsonValueKind.Object
        && ChatCompletionBody.Word(config, "effort") is { } effort && !Efforts.Contains(effort, StringComparer.Ordinal)
            ? $"output_config.effort: Input should be one of {string.Join(", ", Efforts)}" : null;

    private static double? Number(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Number ? value.GetDouble() : null;
}
