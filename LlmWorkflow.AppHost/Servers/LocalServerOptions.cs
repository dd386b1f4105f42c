namespace LlmWorkflow.AppHost.Servers;

/// <summary>What a local Postgres or Redis is started with.</summary>
internal sealed record LocalServerOptions
{
    /// <summary>Holds data and password; made when missing, reused otherwise.</summary>
    public required string Directory { get; init; }

    /// <summary>The TCP port on 127.0.0.1; null for any free one, which a restart keeps.</summary>
    public int? Port { get; init; }

    /// <summary>
    /// Nothing is flushed to disk and <see cref="Directory"/> is removed at the end: for tests, which run faster and lose nothing.
    /// </summary>
    public bool Ephemeral { get; init; }

    /// <summary>Postgres only. Default 200.</summary>
    public int MaxConnections { get; init; } = 200;

    /// <summary>Called with each line the server logs, from any thread.</summary>
    public Action<string> OnLine { get; init; } = _ => { };
}
