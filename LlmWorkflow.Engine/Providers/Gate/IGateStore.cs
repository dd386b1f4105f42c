namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>Makes one change of a gate out of what was read. Called again when somebody else was faster.</summary>
/// <param name="before">As it was read.</param>
/// <param name="now">Milliseconds of Unix time, by the store's clock.</param>
/// <param name="workers">Processes that divide the limits; 1 when they share this state.</param>
internal delegate GateTurn GateChange(GateSnapshot before, long now, int workers);

/// <summary>Where gates are kept: in Redis for the fleet, in memory for one process.</summary>
internal interface IGateStore
{
    /// <summary>Reads, changes and writes as one. Returns the change that was written.</summary>
    /// <param name="key">The gate.</param>
    /// <param name="tickets">Those whose places are needed.</param>
    /// <param name="change">See <see cref="GateChange"/>.</param>
    Task<GateTurn> UpdateAsync(GateKey key, IReadOnlyCollection<string> tickets, GateChange change);
}
