using LlmWorkflow.Client.Contracts;

namespace LlmWorkflow.Api.OpenApi;

/// <summary>What the OpenAPI document says of the calls about cost.</summary>
internal static class UsageDocument
{
    private const string Tag = "Usage";

    private const string Wrong = "A parameter is wrong; `errors` lists everything at once.";

    public static CallDocument Usage { get; } = new()
    {
        Summary = "Usage and cost",
        Description = """
            What calls of models used and cost, also those that failed or were cancelled, grouped as asked; with totals, and the number of calls whose computed cost is more than 1 %
            off the reported one. `purpose` tells useful calls from waste. Calls without a known price are counted in `unpriced_calls`; they are not in `cost_usd`.
            """,
        Tag = Tag,
        Responses = { [200] = (typeof(UsageResponse), "The report."), [400] = (typeof(ProblemResponse), Wrong) },
    };

    public static CallDocument Drift { get; } = new()
    {
        Summary = "Calls whose cost drifts",
        Description = "Calls whose cost by the price book is more than 1 % off what the provider charged, newest first: a price has changed, or a term of the call is not known.",
        Tag = Tag,
        Responses = { [200] = (typeof(DriftResponse), "The calls."), [400] = (typeof(ProblemResponse), Wrong) },
    };
}
