using System.Text.Json;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Asks for an operation of a service.</summary>
internal sealed record ServiceCall
{
    /// <summary>Service name.</summary>
    public required string Service { get; init; }

    /// <summary>Operation name.</summary>
    public required string Operation { get; init; }

    /// <summary>Parameters by name, not checked yet.</summary>
    public required IReadOnlyDictionary<string, JsonElement> Parameters { get; init; }

    /// <summary>The step's own time for kept replies; zero: neither read nor kept; null: as the service's file says.</summary>
    public TimeSpan? CacheTtl { get; init; }

    /// <summary>When the caller gives up: nothing waits for a turn that comes later. Null: never.</summary>
    public DateTimeOffset? Deadline { get; init; }
}
