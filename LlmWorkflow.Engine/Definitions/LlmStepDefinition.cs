using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>A call of a language model.</summary>
public sealed record LlmStepDefinition : StepDefinition
{
    /// <inheritdoc/>
    public override string Type => "llm";

    /// <summary>Provider; null: the setting's default, <c>openrouter</c>.</summary>
    public string? Provider { get; init; }

    /// <summary>Model in the provider's spelling; may hold <c>${…}</c>.</summary>
    public required string Model { get; init; }

    /// <summary>User prompt as text.</summary>
    public string? Prompt { get; init; }

    /// <summary>User prompt as a file under <c>prompts/</c>.</summary>
    public string? PromptTemplate { get; init; }

    /// <summary>System prompt as text.</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>System prompt as a file under <c>prompts/</c>.</summary>
    public string? SystemPromptTemplate { get; init; }

    /// <summary>Messages in order, after the system prompt and before the user prompt; empty: none.</summary>
    public IReadOnlyList<LlmMessageDefinition> Messages { get; init; } = [];

    /// <summary>Values for the prompts; any JSON with <c>${…}</c> in its strings.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>0 to 2; null: the provider's default.</summary>
    public double? Temperature { get; init; }

    /// <summary>Most output tokens; null: the price book's default for the model. Always sent.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>0 to 1.</summary>
    public double? TopP { get; init; }

    /// <summary>Stop sequences.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>For providers that take one.</summary>
    public long? Seed { get; init; }

    /// <summary>Whether the reply is streamed; default true, so that a cancelled call's tokens are known.</summary>
    public bool Stream { get; init; } = true;

    /// <summary>Tried in order, within the same attempt, when the model before fails in a way that another may not: see <c>FallbackRules</c>.</summary>
    public IReadOnlyList<LlmFallback> Fallbacks { get; init; } = [];

    /// <summary>What the reply must be.</summary>
    public ResponseFormat ResponseFormat { get; init; } = ResponseFormat.Text;

    /// <summary>Further calls that show the model what is wrong with its JSON; 0 to 5, default 0.</summary>
    public int RepairAttempts { get; init; }

    /// <summary>Model of those calls; null: the step's.</summary>
    public string? RepairModel { get; init; }

    /// <summary>Null: replies are not kept for others.</summary>
    public LlmCachePolicy? Cache { get; init; }

    /// <summary>Passed on to the provider as they are; Undefined: none.</summary>
    public JsonElement ProviderOptions { get; init; }
}

/// <summary>A message of an <c>llm</c> step.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">Prompt text, rendered like a prompt.</param>
public sealed record LlmMessageDefinition(string Role, string Content);

/// <summary>Another model to try.</summary>
/// <param name="Provider">Null: the step's.</param>
/// <param name="Model">In the provider's spelling; may hold <c>${…}</c>.</param>
public sealed record LlmFallback(string? Provider, string Model);

/// <summary>What a reply must be.</summary>
/// <param name="Kind">The form.</param>
/// <param name="Schema">JSON Schema; Undefined unless <paramref name="Kind"/> is <see cref="ResponseKind.JsonSchema"/>.</param>
public sealed record ResponseFormat(ResponseKind Kind, JsonElement Schema)
{
    /// <summary>Any text.</summary>
    public static ResponseFormat Text { get; } = new(ResponseKind.Text, default);

    /// <summary>Any JSON.</summary>
    public static ResponseFormat Json { get; } = new(ResponseKind.Json, default);
}

/// <summary>Forms of a reply.</summary>
public enum ResponseKind
{
    /// <summary>Any text.</summary>
    Text,

    /// <summary>Any JSON.</summary>
    Json,

    /// <summary>JSON that a schema accepts.</summary>
    JsonSchema,
}

/// <summary>How long and for whom a reply is kept.</summary>
/// <param name="TtlSeconds">1 to 2,592,000 (30 days).</param>
/// <param name="Shared">Whether jobs of other users may get it (<c>scope: shared</c>); else the user's own only (<c>scope: user</c>).</param>
public sealed record LlmCachePolicy(int TtlSeconds, bool Shared);
