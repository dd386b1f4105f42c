using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

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

    /// <summary>How long an answer is kept, instead of the service's own time; 0: not at all; null: the service's.</summary>
    public int? CacheTtlSeconds { get; init; }
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

/// <summary>A pause; the worker's slot is free meanwhile. Has <see cref="Seconds"/> or <see cref="Until"/>.</summary>
public sealed record WaitStepDefinition : StepDefinition
{
    /// <inheritdoc/>
    public override string Type => "wait";

    /// <summary>A number, or a string with <c>${…}</c> that gives one, from 0 to 31,536,000 (a year); counted from the step's first start. Undefined: <see cref="Until"/> counts.</summary>
    public JsonElement Seconds { get; init; }

    /// <summary>An RFC 3339 time; may hold <c>${…}</c>.</summary>
    public string? Until { get; init; }
}

/// <summary>A wait for somebody's answer: <c>POST /api/v1/jobs/{id}/signals/{signal}</c>. The worker's slot is free meanwhile.</summary>
public sealed record ApprovalStepDefinition : StepDefinition
{
    /// <inheritdoc/>
    public override string Type => "approval";

    /// <summary>Name of the signal; may hold <c>${…}</c>; the step's id by default.</summary>
    public required string Signal { get; init; }

    /// <summary>What is asked, shown with the job while it waits; may hold <c>${…}</c>.</summary>
    public string? Message { get; init; }

    /// <summary>Longest wait in seconds from the step's first start; null: for ever. (Not the attempt's <see cref="StepDefinition.TimeoutSeconds"/>, which is null here.)</summary>
    public double? WaitSeconds { get; init; }

    /// <summary>What the end of the wait does: <see cref="OnError.Fail"/> (default) or <see cref="OnError.Continue"/> with <c>default</c> as output.</summary>
    public OnError OnTimeout { get; init; }
}
