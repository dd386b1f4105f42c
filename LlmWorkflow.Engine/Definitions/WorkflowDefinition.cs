using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>A workflow file, parsed. Immutable.</summary>
public sealed record WorkflowDefinition
{
    /// <summary><c>^[a-z][a-z0-9_]{0,99}$</c>, equal to the file's name.</summary>
    public required string Name { get; init; }

    /// <summary>Semantic version.</summary>
    public string Version { get; init; } = "1.0.0";

    /// <summary>For authors.</summary>
    public string? Description { get; init; }

    /// <summary>For end users; the name by default.</summary>
    public string? DisplayName { get; init; }

    /// <summary>JSON Schema of the input; Undefined: anything goes.</summary>
    public JsonElement InputSchema { get; init; }

    /// <summary>Constants, reachable as <c>${context.NAME}</c>.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>Running time of the whole job in seconds; 600 by default.</summary>
    public double TimeoutSeconds { get; init; } = 600;

    /// <summary>Cap of the job in USD; null: none.</summary>
    public decimal? MaxCostUsd { get; init; }

    /// <summary>At least one.</summary>
    public required IReadOnlyList<StepDefinition> Steps { get; init; }

    /// <summary>Mapping of the output, an object whose strings hold <c>${…}</c>; Undefined: the last step's output.</summary>
    public JsonElement Output { get; init; }
}

/// <summary>What every step has; each type adds its own in a derived record.</summary>
public abstract record StepDefinition
{
    /// <summary>Unique in the file.</summary>
    public required string Id { get; init; }

    /// <summary>The step type, for example <c>llm</c>.</summary>
    public abstract string Type { get; }

    /// <summary>For end users; the id by default.</summary>
    public string? DisplayName { get; init; }

    /// <summary>For authors.</summary>
    public string? Description { get; init; }

    /// <summary>Running time of one attempt in seconds; null: only the job's timeout counts.</summary>
    public double? TimeoutSeconds { get; init; }

    /// <summary>Cap of the step in USD; null: none.</summary>
    public decimal? MaxCostUsd { get; init; }

    /// <summary>What an error does.</summary>
    public OnError OnError { get; init; }

    /// <summary>The output when <see cref="OnError"/> is <see cref="OnError.Continue"/> and the step failed.</summary>
    public JsonElement Default { get; init; }

    /// <summary>Null: one attempt.</summary>
    public RetryPolicy? Retry { get; init; }

    /// <summary>The name shown to end users.</summary>
    public string Label => DisplayName ?? Id;
}

/// <summary>What an error of a step does.</summary>
public enum OnError
{
    /// <summary>Ends the job.</summary>
    Fail,

    /// <summary>Goes on with <c>default</c> as output.</summary>
    Continue,

    /// <summary>Retries, then ends the job.</summary>
    Retry,
}

/// <summary>Retry of a step. Only retryable errors are retried; an upstream's <c>retry_after</c> is honoured.</summary>
public sealed record RetryPolicy
{
    /// <summary>All attempts, the first included; 1 to 20, default 3.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>Seconds before the second attempt; default 1.</summary>
    public double InitialDelaySeconds { get; init; } = 1;

    /// <summary>Growth per attempt; default 2.</summary>
    public double BackoffMultiplier { get; init; } = 2;

    /// <summary>Longest delay in seconds; default 60.</summary>
    public double MaxDelaySeconds { get; init; } = 60;

    /// <summary>Whether delays are spread at random between half and all of their length; default true.</summary>
    public bool Jitter { get; init; } = true;
}

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
}

/// <summary>A call of an external service.</summary>
public sealed record ExternalApiStepDefinition : StepDefinition
{
    /// <inheritdoc/>
    public override string Type => "external_api";

    /// <summary>Name of a file under <c>services/</c>.</summary>
    public required string Service { get; init; }

    /// <summary>One of the service's operations.</summary>
    public required string Operation { get; init; }

    /// <summary>The operation's parameters; any JSON with <c>${…}</c> in its strings.</summary>
    public IReadOnlyDictionary<string, JsonElement> Config { get; init; } = new Dictionary<string, JsonElement>();
}

/// <summary>A pure change of a value.</summary>
public sealed record TransformStepDefinition : StepDefinition
{
    /// <inheritdoc/>
    public override string Type => "transform";

    /// <summary>What it reads: any JSON with <c>${…}</c>; Undefined: the output of the step before.</summary>
    public JsonElement Input { get; init; }

    /// <summary>At least one, applied in a row.</summary>
    public required IReadOnlyList<TransformOperation> Operations { get; init; }
}

/// <summary>One operation of a transform.</summary>
/// <param name="Operation">Its name, for example <c>extract_fields</c>.</param>
/// <param name="Parameters">Its parameters as written, the whole object.</param>
public sealed record TransformOperation(string Operation, JsonElement Parameters);

/// <summary>A definition with the prompts it uses, fixed under one hash.</summary>
public sealed record PinnedWorkflow
{
    /// <summary>Lower-case hex SHA-256 over definition and prompts.</summary>
    public required string Hash { get; init; }

    /// <summary>Parsed.</summary>
    public required WorkflowDefinition Definition { get; init; }

    /// <summary>The file's text.</summary>
    public required string Json { get; init; }

    /// <summary>Prompt files by path relative to <c>prompts/</c>, includes too, as raw text.</summary>
    public required IReadOnlyDictionary<string, string> Prompts { get; init; }
}
