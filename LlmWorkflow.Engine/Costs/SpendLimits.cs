namespace LlmWorkflow.Engine.Costs;

/// <summary>An immutable snapshot of <c>workflows/limits.json</c>: caps on spending per day, and limits of providers.</summary>
public sealed record SpendLimits
{
    /// <summary>No limits.</summary>
    public static SpendLimits None { get; } = new();

    /// <summary>Most USD per UTC day by workflow name; <c>*</c>: each workflow that is not named.</summary>
    public IReadOnlyDictionary<string, decimal> DailyByWorkflow { get; init; } = new Dictionary<string, decimal>();

    /// <summary>Most USD per UTC day by user id; <c>*</c>: each user that is not named. Jobs without a user have no cap.</summary>
    public IReadOnlyDictionary<string, decimal> DailyByUser { get; init; } = new Dictionary<string, decimal>();

    /// <summary>Limits by provider, then by model; <c>*</c>: each model that is not named.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, ModelLimits>> Providers { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, ModelLimits>>();

    /// <summary>The cap of a workflow; null: none.</summary>
    public decimal? Workflow(string name) => Find(DailyByWorkflow, name);

    /// <summary>The cap of a user; null: none.</summary>
    public decimal? User(Guid? id) => id is { } user ? Find(DailyByUser, user.ToString("D")) : null;

    /// <summary>The limits of a provider's model.</summary>
    public ModelLimits Model(string provider, string model) =>
        Providers.TryGetValue(provider, out var models) && (models.TryGetValue(model, out var own) || models.TryGetValue("*", out own)) ? own : ModelLimits.None;

    private static decimal? Find(IReadOnlyDictionary<string, decimal> caps, string name) =>
        caps.TryGetValue(name, out var cap) || caps.TryGetValue("*", out cap) ? cap : null;
}

/// <summary>Limits of one model of a provider, for the whole fleet; null: none is set.</summary>
/// <param name="Concurrency">Most calls in flight at once.</param>
/// <param name="RequestsPerMinute">Most calls started per minute.</param>
/// <param name="TokensPerMinute">Most input and output tokens per minute, by the estimate made before each call.</param>
public sealed record ModelLimits(int? Concurrency, int? RequestsPerMinute, long? TokensPerMinute)
{
    /// <summary>No limits.</summary>
    public static ModelLimits None { get; } = new(null, null, null);
}
