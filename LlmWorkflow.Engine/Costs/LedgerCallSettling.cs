namespace LlmWorkflow.Engine.Costs;

/// <summary>What a reservation begins and a settlement makes of a call.</summary>
internal static class LedgerCallSettling
{
    /// <summary>The call as it stands while it is made.</summary>
    public static LedgerCall ToCall(this CallReservation reservation) => new()
    {
        CallId = reservation.CallId,
        Key = reservation.Key,
        State = CallState.Reserved,
        Purpose = reservation.Purpose,
        Provider = reservation.Provider,
        Model = reservation.RequestedModel,
        RequestHash = reservation.RequestHash,
        Usage = new TokenUsage(),
    };

    /// <summary>The call as it stands once <paramref name="settlement"/> is recorded.</summary>
    public static LedgerCall With(this LedgerCall call, CallSettlement settlement) => call with
    {
        State = settlement.State,
        Purpose = settlement.Purpose ?? call.Purpose,
        Model = settlement.AnsweredModel ?? call.Model,
        Reply = settlement.Reply,
        Usage = settlement.Usage,
        CostUsd = settlement.CostUsd,
        CostSource = settlement.CostSource,
        ErrorType = settlement.ErrorType,
    };
}
