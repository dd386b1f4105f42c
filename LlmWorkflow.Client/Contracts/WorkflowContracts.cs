using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Client.Contracts;

/// <summary>A dry run. Either <see cref="WorkflowName"/> or <see cref="Definition"/> is needed.</summary>
public sealed record ValidateRequest
{
    /// <summary>Name of a workflow that the service has.</summary>
    public string? WorkflowName { get; init; }

    /// <summary>A whole definition, checked against the service's prompts, services, prices and workflows. It is not stored.</summary>
    public JsonElement? Definition { get; init; }

    /// <summary>The input to plan with; without it, whatever reads the input stays a placeholder.</summary>
    public JsonElement? InputData { get; init; }
}

/// <summary>What a dry run found.</summary>
public sealed record ValidateResponse
{
    /// <summary>Whether the definition has no error and the input, where one was given, fits its schema.</summary>
    public required bool Valid { get; init; }

    /// <summary>What was found in the definition, in its order.</summary>
    public required IReadOnlyList<WorkflowIssue> Issues { get; init; }

    /// <summary>What breaks the <c>input_schema</c>; pointers into <c>input_data</c>.</summary>
    public required IReadOnlyList<ProblemIssue> InputIssues { get; init; }

    /// <summary>What a run would do and cost; null when the definition has errors.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public WorkflowPlan? Plan { get; init; }
}

/// <summary>One thing that validation found in a definition.</summary>
public sealed record WorkflowIssue
{
    /// <summary>Stable code, for example <c>UNKNOWN_REFERENCE</c>.</summary>
    public required string Code { get; init; }

    /// <summary><c>error</c>, <c>warning</c> or <c>info</c>; only errors keep a definition from being used.</summary>
    public required string Severity { get; init; }

    /// <summary>JSON pointer (RFC 6901) into the definition.</summary>
    public required string Pointer { get; init; }

    /// <summary>Line of the definition's text, from 1.</summary>
    public int Line { get; init; }

    /// <summary>Column in the line, from 1.</summary>
    public int Column { get; init; }

    /// <summary>What is wrong.</summary>
    public required string Message { get; init; }

    /// <summary>What to do; null when the message says all.</summary>
    public string? Suggestion { get; init; }
}

/// <summary>All workflows.</summary>
public sealed record WorkflowListResponse
{
    /// <summary>By name; broken ones too.</summary>
    public required IReadOnlyList<WorkflowSummary> Workflows { get; init; }
}

/// <summary>A workflow in a list.</summary>
public sealed record WorkflowSummary
{
    /// <summary>Its name, for <c>workflow_name</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Semantic version; null: no version of it can be used.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Version { get; init; }

    /// <summary>For end users.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? DisplayName { get; init; }

    /// <summary>For authors.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Description { get; init; }

    /// <summary>Number of steps, those inside others counted too.</summary>
    public int StepCount { get; init; }

    /// <summary>Number of issues that validation found in the file.</summary>
    public int IssueCount { get; init; }

    /// <summary>What keeps the file as it is now from being used; null: nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Problem { get; init; }
}

/// <summary>A workflow.</summary>
public sealed record WorkflowResponse
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Semantic version.</summary>
    public required string Version { get; init; }

    /// <summary>For end users.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? DisplayName { get; init; }

    /// <summary>For authors.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Description { get; init; }

    /// <summary>Lower-case hex SHA-256 over definition and prompts: what a job submitted now is pinned to.</summary>
    public required string Hash { get; init; }

    /// <summary>JSON Schema of <c>input_data</c>; null: anything goes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JsonElement? InputSchema { get; init; }

    /// <summary>The definition as it stands in its file.</summary>
    public required JsonElement Definition { get; init; }

    /// <summary>What validation found in the file.</summary>
    public required IReadOnlyList<WorkflowIssue> Issues { get; init; }

    /// <summary>What keeps the file as it is now from being used, so that this is its last good version; null: nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Problem { get; init; }
}
