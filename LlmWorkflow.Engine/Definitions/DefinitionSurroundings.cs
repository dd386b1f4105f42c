using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>What a definition may refer to.</summary>
public sealed record DefinitionSurroundings
{
    /// <summary>Prompt files by path under <c>prompts/</c>.</summary>
    public required IReadOnlyDictionary<string, string> Prompts { get; init; }

    /// <summary>Services with their operations; null: they are not checked.</summary>
    public IReadOnlyList<KnownService>? Services { get; init; }

    /// <summary>The other workflows that can be run, by name; null: <c>workflow</c> steps are not checked.</summary>
    public IReadOnlyDictionary<string, WorkflowDefinition>? Workflows { get; init; }

    /// <summary>Prices; null: they are not checked.</summary>
    public PriceBook? Prices { get; init; }
}

/// <summary>A service that <c>external_api</c> steps may name.</summary>
public sealed record KnownService(string Name, IReadOnlyList<KnownOperation> Operations)
{
    /// <summary>It has a file, which is broken: its operations are not known.</summary>
    internal bool IsBroken { get; init; }
}

/// <summary>An operation of a service.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">All parameters that it takes; null: any.</param>
/// <param name="Required">Those that must be given.</param>
public sealed record KnownOperation(string Name, IReadOnlyList<string>? Parameters, IReadOnlyList<string> Required)
{
    /// <summary>What the parameters' values must be; null: only their names are checked.</summary>
    internal ParameterSchema? Schema { get; init; }

    /// <summary>A kept answer may stand in for a request.</summary>
    internal bool CanBeKept { get; init; } = true;
}
