using System.Text.Json;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs a list of steps inside a step.</summary>
public delegate Task<StepResult> NestedRunner(NestedSteps nested, CancellationToken cancellationToken);

/// <summary>A list of steps inside a step, and what its expressions see.</summary>
public sealed record NestedSteps
{
    /// <summary>Joins the step's path: a branch's name, an iteration's number; null: the steps stand right under the step.</summary>
    public string? Segment { get; init; }

    /// <summary>The steps, in order.</summary>
    public required IReadOnlyList<StepDefinition> Steps { get; init; }

    /// <summary>The part of the step's progress that they are, from 0 to 1.</summary>
    public double Share { get; init; } = 1;

    /// <summary>What the first step reads by default: "the output of the step before".</summary>
    public JsonElement Before { get; init; }

    /// <summary>Names for their expressions, beside those from around.</summary>
    public IReadOnlyList<KeyValuePair<string, JsonElement>> Locals { get; init; } = [];

    /// <summary>Whether later steps, outside, can read these.</summary>
    public bool AreVisibleAfterwards { get; init; }

    /// <summary>Whether an error among them stands while the step around is parked: when the job is taken up again it is not tried anew.</summary>
    public bool KeepsFailures { get; init; }

    /// <summary>The workflow that they belong to, with its input: a world of its own. Null: the same as the step's.</summary>
    public (WorkflowDefinition Definition, JsonElement Input)? Workflow { get; init; }
}
