using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>What a run would do and cost, as far as that can be known without running it.</summary>
public sealed record DryRunPlan
{
    /// <summary>Name of the workflow.</summary>
    public required string Workflow { get; init; }

    /// <summary>Its version.</summary>
    public required string Version { get; init; }

    /// <summary>Hash of definition and prompts.</summary>
    public required string Hash { get; init; }

    /// <summary>Whether the definition has no error and the input, where one was given, fits its schema.</summary>
    public bool Valid => Issues.All(issue => issue.Severity != IssueSeverity.Error) && InputIssues.Count == 0;

    /// <summary>What validation found in the definition, warnings and notes too.</summary>
    public IReadOnlyList<DefinitionIssue> Issues { get; init; } = [];

    /// <summary>What breaks <c>input_schema</c>; empty without an input.</summary>
    public IReadOnlyList<InputIssue> InputIssues { get; init; } = [];

    /// <summary>The steps in order, each with those inside it.</summary>
    public required IReadOnlyList<PlannedStep> Steps { get; init; }

    /// <summary>All steps together, capped by the workflow's <c>max_cost_usd</c>.</summary>
    public required CostRange Cost { get; init; }

    /// <summary>How tokens are counted.</summary>
    public required string TokenMethod { get; init; }

    /// <summary>What the figures rest on, a sentence each.</summary>
    public required IReadOnlyList<string> Assumptions { get; init; }

    /// <summary>What is worth knowing about the whole, why a figure is missing for example.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}

/// <summary>USD. Null: cannot be told; the notes say why.</summary>
/// <param name="Lowest">The cheapest way through: optional steps left out, empty lists, cached replies.</param>
/// <param name="Expected">One pass, no retry.</param>
/// <param name="Highest">Every attempt, repair and fallback, the dearest branches and the longest answers.</param>
public sealed record CostRange(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] decimal? Lowest,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] decimal? Expected,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] decimal? Highest);

/// <summary>Whether a step or branch of a <see cref="DryRunPlan"/> will run.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PlannedRun>))]
public enum PlannedRun
{
    /// <summary>It will, if the steps before it succeed.</summary>
    [JsonStringEnumMemberName("yes")]
    Yes,

    /// <summary>It depends on what is not known yet.</summary>
    [JsonStringEnumMemberName("maybe")]
    Maybe,

    /// <summary>With this input it will not.</summary>
    [JsonStringEnumMemberName("no")]
    No,
}

/// <summary>A step of a <see cref="DryRunPlan"/>.</summary>
public sealed record PlannedStep
{
    /// <summary>Its path; <c>*</c> stands for the index of an iteration (<c>each/*/draft</c>).</summary>
    public required string Path { get; init; }

    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>The step type.</summary>
    public required string Type { get; init; }

    /// <summary>The name shown to end users.</summary>
    public required string Label { get; init; }

    /// <summary>Whether it runs, seen from the list of steps that it stands in.</summary>
    public PlannedRun Runs { get; init; }

    /// <summary>Condition as written; null: none.</summary>
    public string? When { get; init; }

    /// <summary>What an error does: <c>fail</c>, <c>continue</c>.</summary>
    public required string OnError { get; init; }

    /// <summary>Most attempts.</summary>
    public int Attempts { get; init; } = 1;

    /// <summary>For <c>llm</c>: the call.</summary>
    public PlannedCall? Llm { get; init; }

    /// <summary>What the other types do, by the names of the definition's fields (<c>service</c>, <c>operation</c>, <c>items</c>, <c>signal</c>…); values not known yet as placeholders.</summary>
    public IReadOnlyDictionary<string, JsonElement> Details { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>For <c>foreach</c>: the number of items; null: not known, or no <c>foreach</c>.</summary>
    public int? ItemCount { get; init; }

    /// <summary>The lists of steps inside it; one called <c>steps</c> in <c>foreach</c> and <c>workflow</c>.</summary>
    public IReadOnlyList<PlannedBranch> Branches { get; init; } = [];

    /// <summary>All attempts of it and of what is inside it; in a <c>foreach</c> the steps inside show one iteration.</summary>
    public required CostRange Cost { get; init; }

    /// <summary>What is worth knowing about it.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>A list of steps inside a <see cref="PlannedStep"/>.</summary>
public sealed record PlannedBranch
{
    /// <summary><c>then</c>, <c>else</c>, a case's index, <c>default</c>, a parallel branch's name, or <c>steps</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its condition as written; null: none.</summary>
    public string? When { get; init; }

    /// <summary>Whether it is taken.</summary>
    public PlannedRun Runs { get; init; }

    /// <summary>Its steps in order.</summary>
    public required IReadOnlyList<PlannedStep> Steps { get; init; }

    /// <summary>One pass through it.</summary>
    public required CostRange Cost { get; init; }
}

/// <summary>The call that an <c>llm</c> step would make.</summary>
public sealed record PlannedCall
{
    /// <summary>Provider.</summary>
    public required string Provider { get; init; }

    /// <summary>Model.</summary>
    public required string Model { get; init; }

    /// <summary>Models tried when it fails, each as <c>provider/model</c>.</summary>
    public IReadOnlyList<string> Fallbacks { get; init; } = [];

    /// <summary>The prompts as far as they can be rendered.</summary>
    public required IReadOnlyList<PlannedMessage> Messages { get; init; }

    /// <summary>Estimate of the input, unknown values counted as assumed; null: it could not be rendered.</summary>
    public long? InputTokens { get; init; }

    /// <summary>Expected length of the answer.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Limit on the answer that is sent along.</summary>
    public int MaxTokens { get; init; }

    /// <summary>Further calls that show the model what is wrong with its JSON, at most.</summary>
    public int RepairAttempts { get; init; }
}

/// <summary>A message of a <see cref="PlannedCall"/>.</summary>
public sealed record PlannedMessage
{
    /// <summary><c>system</c>, <c>user</c> or <c>assistant</c>.</summary>
    public required string Role { get; init; }

    /// <summary>Its text; what is not known yet stands as <c>⟨steps.fetch.output.data⟩</c>. Cut at <see cref="DryRunPlanner.ShownCharacters"/>.</summary>
    public required string Content { get; init; }

    /// <summary>Whether it is all known and shown.</summary>
    public bool Complete { get; init; }
}

/// <summary>JSON of the dry run: snake_case, nulls left out except in costs.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, MaxDepth = 1024)]
[JsonSerializable(typeof(DryRunPlan))]
public sealed partial class DryRunJson : JsonSerializerContext;
