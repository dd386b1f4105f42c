namespace LlmWorkflow.Simulator.Control;

internal static class HoldEndpoints
{
    private const int DefaultTimeoutMs = 10_000;
    private const int LongestTimeoutMs = 600_000;

    public static void MapHolds(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/_control/holds", WaitAsync);
        routes.MapPost("/_control/holds/release", (HoldBook holds, string? id, int? count) => Release(holds, id, count));
    }

    // Without a count it tells what is held now.
    private static async Task<IResult> WaitAsync(HoldBook holds, string? id, int? count, int? timeout_ms, CancellationToken cancellation)
    {
        if (count < 0 || timeout_ms is < 0 or > LongestTimeoutMs)
        {
            return BehaviorEndpoints.Refuse([$"'count' must be 0 or more, and 'timeout_ms' 0 to {LongestTimeoutMs}."]);
        }

        var view = await holds.WaitAsync(id, count ?? 0, TimeSpan.FromMilliseconds(timeout_ms ?? DefaultTimeoutMs), cancellation);
        return TypedResults.Json(view, SimulatorJson.Wire.HoldView);
    }

    private static IResult Release(HoldBook holds, string? id, int? count) => count < 0
        ? BehaviorEndpoints.Refuse(["'count' must be 0 or more."])
        : TypedResults.Json(holds.Release(id, count ?? int.MaxValue), SimulatorJson.Wire.ReleaseView);
}
