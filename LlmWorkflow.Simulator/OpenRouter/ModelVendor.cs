namespace LlmWorkflow.Simulator.OpenRouter;

/// <summary>What OpenRouter tells about the vendor behind a model id.</summary>
internal static class ModelVendor
{
    public static string ProviderName(string model) => Prefix(model) switch
    {
        "anthropic" => "Anthropic",
        "openai" => "OpenAI",
        "google" => "Google",
        "deepseek" => "DeepSeek",
        "x-ai" => "xAI",
        "mistralai" => "Mistral",
        _ => "DeepInfra",
    };

    /// <summary>The vendor's own word for why a reply ended.</summary>
    public static string? NativeFinishReason(string model, string? finishReason) => (Prefix(model), finishReason) switch
    {
        ("anthropic", "stop") => "end_turn",
        ("anthropic", "length") => "max_tokens",
        ("google", "stop") => "STOP",
        ("google", "length") => "MAX_TOKENS",
        _ => finishReason,
    };

    /// <summary>The part before the slash.</summary>
    public static string Prefix(string model) => model.Split('/', 2)[0];
}
