using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Providers.Gate;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

/// <summary>Short ways to say what gates are asked and told.</summary>
internal static class GateBench
{
    public static readonly GateKey Key = new("acme", "c1", "m1");

    public static GateMoment At(long now, ModelLimits? limits = null, int workers = 1, double jitter = 0, string process = "p0") =>
        new(now, process, limits ?? ModelLimits.None, workers, jitter);

    public static ModelLimits Limits(int? concurrency = null, int? rpm = null, long? tpm = null) => new(concurrency, rpm, tpm);

    public static SpendLimits For(ModelLimits limits) => new()
    {
        Providers = new Dictionary<string, IReadOnlyDictionary<string, ModelLimits>> { [Key.Provider] = new Dictionary<string, ModelLimits> { ["*"] = limits } },
    };

    public static GateAsk Ask(string ticket = "t", long input = 100, long output = 100) => new(ticket, input, output);

    public static GateCall Call(long entered) => new(Guid.NewGuid(), entered, Ask(), 0);

    public static GateReport Answered(params RateLimitWindow[] windows) => new(GateOutcome.Answered, null, windows);

    public static GateReport Limited(double? retryAfter = null, params RateLimitWindow[] windows) =>
        new(GateOutcome.RateLimited, retryAfter is { } seconds ? TimeSpan.FromSeconds(seconds) : null, windows);

    public static GateReport Of(GateOutcome outcome) => new(outcome, null, []);

    public static RateLimitWindow Requests(long limit, long remaining, double resetSeconds) =>
        new(RateDimension.Requests, limit, remaining, TimeSpan.FromSeconds(resetSeconds));

    /// <summary>A gate that has been answered before and knows no limits.</summary>
    public static GateState Warm { get; } = GateState.Unknown with { Known = true };
}
