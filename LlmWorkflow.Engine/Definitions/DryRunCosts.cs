namespace LlmWorkflow.Engine.Definitions;

/// <summary>Arithmetic of <see cref="CostRange"/>s: what is unknown stays unknown.</summary>
internal static class DryRunCosts
{
    public static CostRange None { get; } = new(0, 0, 0);

    /// <summary>One after the other.</summary>
    public static CostRange Sum(IEnumerable<CostRange> costs) =>
        costs.Aggregate(None, (sum, cost) => new CostRange(sum.Lowest + cost.Lowest, sum.Expected + cost.Expected, sum.Highest + cost.Highest));

    /// <summary>One of them, whichever.</summary>
    public static CostRange OneOf(IReadOnlyCollection<CostRange> costs) => costs.Count == 0 ? None : new CostRange(
        costs.Any(cost => cost.Lowest == 0) ? 0 : costs.Any(cost => cost.Lowest is null) ? null : costs.Min(cost => cost.Lowest),
        Sum(costs).Expected / costs.Count,
        costs.Any(cost => cost.Highest is null) ? null : costs.Max(cost => cost.Highest));

    /// <summary>As often as a list has items.</summary>
    /// <param name="cost">Once.</param>
    /// <param name="count">Null: not known.</param>
    /// <param name="assumed">The number to expect then.</param>
    public static CostRange Times(CostRange cost, int? count, int assumed) => count is { } known
        ? known == 0 ? None : new CostRange(cost.Lowest * known, cost.Expected * known, cost.Highest * known)
        : new CostRange(0, cost.Expected * assumed, cost.Highest == 0 ? 0 : null);

    /// <summary>Never more than a budget.</summary>
    public static CostRange Capped(CostRange cost, decimal? budget) =>
        budget is { } cap && (cost.Highest is null || cost.Highest > cap) ? cost with { Highest = cap } : cost;
}
