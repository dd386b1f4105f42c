using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Jobs;

/// <summary>What a parked step waits for.</summary>
public sealed record StepWait
{
    /// <summary>The step's place in the run.</summary>
    public required string StepPath { get; init; }

    /// <summary>Its id.</summary>
    public required string StepId { get; init; }

    /// <summary>Its name for end users.</summary>
    public required string DisplayName { get; init; }

    /// <summary>Why it waits: one of <see cref="WaitReason"/>.</summary>
    public required string Reason { get; init; }

    /// <summary>Name of the signal; null: none is waited for.</summary>
    public string? Signal { get; init; }

    /// <summary>What is asked of whoever can end the wait.</summary>
    public string? Message { get; init; }

    /// <summary>End of the wait, when the step is tried again; null: it has none.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>How often caps of the job had been raised when the step met one; null: it waits for no cap of the job.</summary>
    [JsonIgnore]
    public int? BudgetRaises { get; init; }
}

/// <summary>Values of <see cref="StepWait.Reason"/>.</summary>
public static class WaitReason
{
    /// <summary>A <c>wait</c> step.</summary>
    public const string Time = "time";

    /// <summary>An <c>approval</c> step.</summary>
    public const string Signal = "signal";

    /// <summary>A cap on cost is reached, and <c>on_budget</c> is <c>pause</c>.</summary>
    public const string Budget = "budget";

    /// <summary>The provider is paused, or its rate limit gives this call a later place.</summary>
    public const string Provider = "provider";

    /// <summary>Another call is about to answer the same question.</summary>
    public const string Reply = "reply";
}

/// <summary>JSON of <see cref="StepWait"/> as stored and told.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<StepWait>))]
internal sealed partial class StepWaitJson : JsonSerializerContext;
