namespace LlmWorkflow.Engine.Costs;

/// <summary>How far the price book is from what a provider charges.</summary>
public static class CostDrift
{
    /// <summary>A relative difference above this counts as drift: 1 %.</summary>
    public const decimal Limit = 0.01m;

    /// <summary>
    /// The computed cost above (positive) or below (negative) the reported one, as a part of the reported one; 1 when something was computed and
    /// nothing charged. Null when either is missing, or both are 0.
    /// </summary>
    public static decimal? Of(decimal? computed, decimal? reported) => (computed, reported) switch
    {
        (null, _) or (_, null) or (0, 0) => null,
        (_, 0) => 1,
        ({ } ours, { } theirs) => (ours - theirs) / theirs,
    };

    /// <summary>Whether the two differ by more than <see cref="Limit"/>.</summary>
    public static bool IsOver(decimal? computed, decimal? reported) => Of(computed, reported) is { } drift && Math.Abs(drift) > Limit;
}
