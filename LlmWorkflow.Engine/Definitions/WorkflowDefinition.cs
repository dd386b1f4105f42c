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

    /// <summary>What happens when the budget is used up.</summary>
    public OnBudget OnBudget { get; init; }

    /// <summary>How many jobs of this workflow may run at once; null: any number.</summary>
    public ConcurrencyLimit? Concurrency { get; init; }

    /// <summary>At least one.</summary>
    public required IReadOnlyList<StepDefinition> Steps { get; init; }

    /// <summary>Mapping of the output, an object whose strings hold <c>${…}</c>; Undefined: the last step's output.</summary>
    public JsonElement Output { get; init; }
}

/// <summary>What a used-up budget does to a job.</summary>
public enum OnBudget
{
    /// <summary>Ends it with <c>BudgetExceeded</c>.</summary>
    Fail,

    /// <summary>Parks it until the budget is raised.</summary>
    Pause,
}

/// <summary>At most <paramref name="Limit"/> jobs of a workflow run at once per value of <paramref name="Key"/>.</summary>
/// <param name="Limit">1 to 10,000.</param>
/// <param name="Key">An expression over <c>input</c> and <c>context</c>; null: one limit for all jobs of the workflow.</param>
public sealed record ConcurrencyLimit(int Limit, string? Key);

/// <summary>A definition with the prompts it uses, fixed under one hash.</summary>
public sealed record PinnedWorkflow
{
    /// <summary>Lower-case hex SHA-256 over definition and prompts.</summary>
    public required string Hash { get; init; }

    /// <summary>Parsed.</summary>
    public required WorkflowDefinition Definition { get; init; }

    /// <summary>The file's text.</summary>
    public required string Json { get; init; }

    /// <summary>The workflows that <c>workflow</c> steps run, by name, those of their own <c>workflow</c> steps too. Their prompts are among <see cref="Prompts"/>.</summary>
    public IReadOnlyDictionary<string, PinnedSubWorkflow> Workflows { get; init; } = new Dictionary<string, PinnedSubWorkflow>();

    /// <summary>Prompt files by path relative to <c>prompts/</c>, includes too, as raw text.</summary>
    public required IReadOnlyDictionary<string, string> Prompts { get; init; }
}

/// <summary>A workflow inside a <see cref="PinnedWorkflow"/>.</summary>
/// <param name="Definition">Parsed.</param>
/// <param name="Json">The file's text.</param>
public sealed record PinnedSubWorkflow(WorkflowDefinition Definition, string Json);
