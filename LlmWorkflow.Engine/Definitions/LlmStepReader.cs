using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Reads an <c>llm</c> step.</summary>
internal static class LlmStepReader
{
    public static LlmStepDefinition Read(string id, Fields fields) => new()
    {
        Id = id,
        Provider = fields.Text("provider"),
        Model = fields.Text("model") ?? "",
        Prompt = fields.Text("prompt"),
        PromptTemplate = fields.Text("prompt_template"),
        SystemPrompt = fields.Text("system_prompt"),
        SystemPromptTemplate = fields.Text("system_prompt_template"),
        Messages = [.. fields.Objects("messages").Select(message => new LlmMessageDefinition(message.Text("role") ?? "", message.Text("content") ?? ""))],
        Variables = fields.Members("variables"),
        Temperature = (double?)fields.Number("temperature"),
        MaxTokens = fields.Whole("max_tokens"),
        TopP = (double?)fields.Number("top_p"),
        Stop = fields.Texts("stop"),
        Seed = fields.Long("seed"),
        Stream = fields.Flag("stream") ?? true,
        Fallbacks = [.. fields.Objects("fallbacks").Select(fallback => new LlmFallback(fallback.Text("provider"), fallback.Text("model") ?? ""))],
        ResponseFormat = Format(fields),
        RepairAttempts = fields.Whole("repair_attempts") ?? 0,
        RepairModel = fields.Text("repair_model"),
        Cache = fields.Object("cache") is var cache && cache.Whole("ttl_seconds") is { } seconds ? new LlmCachePolicy(seconds, cache.Text("scope") == "shared") : null,
        ProviderOptions = fields.Any("provider_options", JsonValueKind.Object),
    };

    private static ResponseFormat Format(Fields fields) => fields.Any("response_format").ValueKind switch
    {
        JsonValueKind.String when fields.Text("response_format") == "json" => ResponseFormat.Json,
        JsonValueKind.Object when fields.Object("response_format").Any("json_schema", JsonValueKind.Object) is { ValueKind: JsonValueKind.Object } schema =>
            new ResponseFormat(ResponseKind.JsonSchema, schema),
        _ => ResponseFormat.Text,
    };
}
