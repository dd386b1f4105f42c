using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>One of several lists of steps, by condition.</summary>
public sealed record ConditionalStepDefinition : StepDefinition
{
    /// <inheritdoc/>
    public override string Type => "conditional";

    /// <summary>Tried in order. <c>condition</c> and <c>then</c> make one case called <c>then</c>; those of <c>cases</c> are called by their index.</summary>
    public required IReadOnlyList<ConditionalCase> Cases { get; init; }

    /// <summary>Taken when no case is: <c>else</c>, or <c>default</c> beside <c>cases</c>. Null: nothing is done.</summary>
    public StepBranch? Otherwise { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<StepBranch> Branches => [.. Cases.Select(c => c.Branch), .. Otherwise is { } other ? [other] : Array.Empty<StepBranch>()];
}

/// <summary>A case of a <see cref="ConditionalStepDefinition"/>.</summary>
/// <param name="When">A bare expression.</param>
/// <param name="Branch">What is done when it is true.</param>
public sealed record ConditionalCase(string When, StepBranch Branch);

/// <summary>Branches that run side by side.</summary>
public sealed record ParallelStepDefinition : StepDefinition
{
    /// <inheritdoc/>
    public override string Type => "parallel";

    /// <summary>1 to 100, in the order of the file.</summary>
    public required IReadOnlyList<StepBranch> Lanes { get; init; }

    /// <summary>Branches that run at once, 1 to 100; null: all.</summary>
    public int? MaxConcurrency { get; init; }

    /// <summary>Whether the first error stops the other branches; default true. Else they run to their end, and then the first error counts.</summary>
    public bool FailFast { get; init; } = true;

    /// <inheritdoc/>
    public override IReadOnlyList<StepBranch> Branches => Lanes;
}

/// <summary>The same steps for each item of a list.</summary>
public sealed record ForeachStepDefinition : StepDefinition
{
    /// <summary>Most items.</summary>
    public const int MaxItems = 10_000;

    /// <inheritdoc/>
    public override string Type => "foreach";

    /// <summary>A bare expression that gives an array.</summary>
    public required string Items { get; init; }

    /// <summary>Name of the item in expressions, beside <c>index</c> (from 0).</summary>
    public string As { get; init; } = "item";

    /// <summary>At least one.</summary>
    public required IReadOnlyList<StepDefinition> Steps { get; init; }

    /// <summary>Iterations that run at once, 1 to 100; default 1.</summary>
    public int MaxConcurrency { get; init; } = 1;

    /// <inheritdoc/>
    public override IReadOnlyList<StepBranch> Branches => [new("steps", "/steps", Steps)];
}

/// <summary>Another workflow, run as a step of this job. Its own timeout, budget and concurrency do not apply.</summary>
public sealed record WorkflowStepDefinition : StepDefinition
{
    /// <summary>Most workflows inside each other.</summary>
    public const int MaxDepth = 8;

    /// <inheritdoc/>
    public override string Type => "workflow";

    /// <summary>Name of the workflow (<c>name</c>).</summary>
    public required string Workflow { get; init; }

    /// <summary>Its input; any JSON with <c>${…}</c>; Undefined: an empty object.</summary>
    public JsonElement Input { get; init; }
}
