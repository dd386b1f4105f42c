using LlmWorkflow.Simulator.Control;

namespace LlmWorkflow.Simulator.Ledger;

internal static class LedgerEndpoints
{
    private const double DefaultSeconds = 60;

    public static void MapLedger(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/_control/ledger", (CallLedger ledger, string? path) =>
            TypedResults.Json(ledger.Read(path), SimulatorJson.Wire.LedgerView));
        routes.MapDelete("/_control/ledger", (CallLedger ledger) =>
        {
            ledger.Clear();
            return TypedResults.NoContent();
        });
        routes.MapGet("/_control/ledger/windows", Windows);
    }

    private static IResult Windows(CallLedger ledger, string? path, string? model, double? seconds) => seconds is <= 0 or > 86_400
        ? BehaviorEndpoints.Refuse([$"'seconds' must be a number above 0 and up to 86400, not {seconds}."])
        : TypedResults.Json(
            LedgerWindows.Of(ledger.Read(path).Calls, model, TimeSpan.FromSeconds(seconds ?? DefaultSeconds)), SimulatorJson.Wire.LedgerWindows);
}
