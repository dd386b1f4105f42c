using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Jobs;

/// <summary>What a parked step waits for: a time, a signal, or a signal until a time.</summary>
public sealed record StepWait
{
    /// <summary>The step's place in the run.</summary>
    public required string StepPath { get; init; }

    /// <summary>Its id.</summary>
    public required string StepId { get; init; }

    /// <summary>Its name for end users.</summary>
    public required string DisplayName { get; init; }

    /// <summary>Name of the signal; null: none is waited for.</summary>
    public string? Signal { get; init; }

    /// <summary>What is asked of whoever sends the signal.</summary>
    public string? Message { get; init; }

    /// <summary>End of the wait; null: it has none.</summary>
    public DateTimeOffset? Until { get; init; }
}

/// <summary>JSON of <see cref="StepWait"/> as stored and told.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<StepWait>))]
internal sealed partial class StepWaitJson : JsonSerializerContext;
