using System.Text.Json.Serialization;

namespace LlmWorkflow.Client.Contracts;

/// <summary>How the service is.</summary>
public sealed record HealthResponse
{
    /// <summary>False only when the database is away.</summary>
    public required bool Ok { get; init; }

    /// <summary><c>healthy</c>, <c>degraded</c> (without Redis or workers: jobs are taken and wait) or <c>unhealthy</c> (without the database).</summary>
    public required string Status { get; init; }

    /// <summary>Of this build.</summary>
    public required string Version { get; init; }

    /// <summary>What it stands on.</summary>
    public required HealthServices Services { get; init; }

    /// <summary>Upstreams that the simulator stands in for.</summary>
    public IReadOnlyList<string> Simulated { get; init; } = [];

    /// <summary>Faults of workflow files.</summary>
    public required HealthDefinitions Definitions { get; init; }

    /// <summary>Now.</summary>
    public required DateTimeOffset Timestamp { get; init; }
}

/// <summary>What the service stands on.</summary>
public sealed record HealthServices
{
    /// <summary>Postgres.</summary>
    public required StoreHealth Database { get; init; }

    /// <summary>Redis.</summary>
    public required StoreHealth Redis { get; init; }

    /// <summary>Workers.</summary>
    public required WorkerHealth Workers { get; init; }
}

/// <summary>A store.</summary>
public sealed record StoreHealth
{
    /// <summary><c>healthy</c> or <c>unhealthy</c>.</summary>
    public required string Status { get; init; }

    /// <summary>For example <c>postgresql</c>.</summary>
    public string? Type { get; init; }

    /// <summary>Time of a round trip; null when it does not answer.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public double? LatencyMs { get; init; }
}

/// <summary>The workers.</summary>
public sealed record WorkerHealth
{
    /// <summary><c>healthy</c>, <c>unhealthy</c> (none is alive) or <c>unknown</c> (the database is away).</summary>
    public required string Status { get; init; }

    /// <summary>Workers with a valid lease; null: unknown.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? Workers { get; init; }
}

/// <summary>Faults of workflow files.</summary>
public sealed record HealthDefinitions
{
    /// <summary>One sentence each.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];
}
