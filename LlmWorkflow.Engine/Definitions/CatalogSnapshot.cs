using System.Collections.Frozen;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>All that was loaded at one time.</summary>
internal sealed record CatalogSnapshot
{
    public static CatalogSnapshot Empty { get; } = new();

    public FrozenDictionary<string, PinnedWorkflow> Workflows { get; init; } = FrozenDictionary<string, PinnedWorkflow>.Empty;

    public IReadOnlyDictionary<string, IReadOnlyList<DefinitionIssue>> Issues { get; init; } = new Dictionary<string, IReadOnlyList<DefinitionIssue>>();

    public IReadOnlyList<string> Names { get; init; } = [];

    public IReadOnlyList<CatalogProblem> Problems { get; init; } = [];

    public PriceBook Prices { get; init; } = PriceBook.Empty;

    public SpendLimits Limits { get; init; } = SpendLimits.None;

    /// <summary>Warnings about the limits that are in use.</summary>
    public IReadOnlyList<DefinitionIssue> LimitIssues { get; init; } = [];

    /// <summary>What definitions may refer to.</summary>
    public DefinitionSurroundings Surroundings { get; init; } = new() { Prompts = new Dictionary<string, string>() };

    /// <summary>Path, length and time of every file; equal stamps mean that nothing has changed.</summary>
    public string Stamp { get; init; } = "";
}
