using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Client.Contracts;

/// <summary>What a run would do and cost, as far as that can be known without running it.</summary>
public sealed record WorkflowPlan
{
    /// <summary>Name of the workflow.</summary>
    public required string Workflow { get; init; }

    /// <summary>Its version.</summary>
    public required string Version { get; init; }

    /// <summary>Hash of definition and prompts.</summary>
    public required string Hash { get; init; }

    /// <summary>The steps in order, each with those inside it.</summary>
    public required IReadOnlyList<PlanStep> Steps { get; init; }

    /// <summary>All steps together.</summary>
    public required PlanCost Cost { get; init; }

    /// <summary>How tokens are counted.</summary>
    public required string TokenMethod { get; init; }

    /// <summary>What the figures rest on.</summary>
    public required IReadOnlyList<string> Assumptions { get; init; }

    /// <summary>What is worth knowing about the whole.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}

/// <summary>USD. Null: cannot be told; the notes say why.</summary>
public sealed record PlanCost
{
    /// <summary>The cheapest way through.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public decimal? Lowest { get; init; }

    /// <summary>One pass, no retry.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public decimal? Expected { get; init; }

    /// <summary>Every attempt, repair and fallback, the dearest branches and the longest answers.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public decimal? Highest { get; init; }
}

/// <summary>A step of a plan.</summary>
public sealed record PlanStep
{
    /// <summary>Its path; <c>*</c> stands for the index of an iteration (<c>each/*/draft</c>).</summary>
    public required string Path { get; init; }

    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>The step type.</summary>
    public required string Type { get; init; }

    /// <summary>The name shown to end users.</summary>
    public required string Label { get; init; }

    /// <summary>Whether it runs, seen from the list it stands in: <c>yes</c>, <c>no</c>, or <c>maybe</c> when that depends on what is not known yet.</summary>
    public required string Runs { get; init; }

    /// <summary>Its condition; null: none.</summary>
    public string? When { get; init; }

    /// <summary>What an error does: <c>fail</c> or <c>continue</c>.</summary>
    public required string OnError { get; init; }

    /// <summary>Most attempts.</summary>
    public int Attempts { get; init; }

    /// <summary>The call of an <c>llm</c> step.</summary>
    public PlanCall? Llm { get; init; }

    /// <summary>What the other types do, by the names of the definition's fields.</summary>
    public required IReadOnlyDictionary<string, JsonElement> Details { get; init; }

    /// <summary>The number of items of a <c>foreach</c>; null: not known.</summary>
    public int? ItemCount { get; init; }

    /// <summary>The lists of steps inside it.</summary>
    public required IReadOnlyList<PlanBranch> Branches { get; init; }

    /// <summary>All attempts of it and of what is inside it; in a <c>foreach</c> the steps inside show one iteration.</summary>
    public required PlanCost Cost { get; init; }

    /// <summary>What is worth knowing about it.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}

/// <summary>A list of steps inside a step.</summary>
public sealed record PlanBranch
{
    /// <summary><c>then</c>, <c>else</c>, a case's index, <c>default</c>, a parallel branch's name, or <c>steps</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its condition; null: none.</summary>
    public string? When { get; init; }

    /// <summary>Whether it is taken: <c>yes</c>, <c>no</c> or <c>maybe</c>.</summary>
    public required string Runs { get; init; }

    /// <summary>Its steps in order.</summary>
    public required IReadOnlyList<PlanStep> Steps { get; init; }

    /// <summary>One pass through it.</summary>
    public required PlanCost Cost { get; init; }
}

/// <summary>The call that an <c>llm</c> step would make.</summary>
public sealed record PlanCall
{
    /// <summary>Provider.</summary>
    public required string Provider { get; init; }

    /// <summary>Model.</summary>
    public required string Model { get; init; }

    /// <summary>Models tried when it fails, each as <c>provider/model</c>.</summary>
    public required IReadOnlyList<string> Fallbacks { get; init; }

    /// <summary>The prompts as far as they can be rendered.</summary>
    public required IReadOnlyList<PlanMessage> Messages { get; init; }

    /// <summary>Estimate of the input; null: it could not be rendered.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public long? InputTokens { get; init; }

    /// <summary>Expected length of the answer.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Limit on the answer.</summary>
    public int MaxTokens { get; init; }

    /// <summary>Further calls that show the model what is wrong with its JSON, at most.</summary>
    public int RepairAttempts { get; init; }
}

/// <summary>A message of a planned call.</summary>
public sealed record PlanMessage
{
    /// <summary><c>system</c>, <c>user</c> or <c>assistant</c>.</summary>
    public required string Role { get; init; }

    /// <summary>Its text; what is not known yet stands as <c>⟨steps.fetch.output.data⟩</c>.</summary>
    public required string Content { get; init; }

    /// <summary>Whether it is all known and shown.</summary>
    public bool Complete { get; init; }
}
