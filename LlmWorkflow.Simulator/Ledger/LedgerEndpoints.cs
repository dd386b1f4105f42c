namespace LlmWorkflow.Simulator.Ledger;

internal static class LedgerEndpoints
{
    public static void MapLedger(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/_control/ledger", (CallLedger ledger, string? path) =>
            TypedResults.Json(ledger.Read(path), SimulatorJson.Wire.LedgerView));
        routes.MapDelete("/_control/ledger", (CallLedger ledger) =>
        {
            ledger.Clear();
            return TypedResults.NoContent();
        });
    }
}
