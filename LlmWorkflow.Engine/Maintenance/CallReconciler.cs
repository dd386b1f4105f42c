using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Maintenance;

/// <summary>
/// Finds out what calls have cost whose end was not seen: those of dead workers, and those that were cut off or cancelled and could only be estimated. Asks the
/// providers that can tell (<see cref="ChatClientRegistration.LookUpAsync"/>); what they answer is recorded as reported. Safe on every worker at once.
/// </summary>
internal sealed class CallReconciler(OpenCallStore calls, ICallLedger ledger, ChatClientRegistry clients, Func<PriceBook> prices, ILogger<CallReconciler> logger)
{
    /// <summary>Time between looks.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private const int Batch = 20;

    /// <summary>Looks once. True: there may be more.</summary>
    public async Task<bool> RunOnceAsync(CancellationToken cancellationToken)
    {
        if (await calls.MarkAbandonedAsync(cancellationToken) is > 0 and var abandoned)
        {
            Log.CallsAbandoned(logger, abandoned);
        }

        string[] providers = [.. clients.WithLookUp.Select(provider => provider.Name)];
        var due = providers.Length == 0 ? [] : await calls.TakeDueAsync(providers, Batch, cancellationToken);
        await Task.WhenAll(due.Select(call => LookUpAsync(call, cancellationToken)));
        return due.Count == Batch;
    }

    private async Task LookUpAsync(OpenCall call, CancellationToken cancellationToken)
    {
        var provider = clients.WithLookUp.First(one => one.Name == call.Provider);
        if (await provider.LookUpAsync!(call.ResponseId, cancellationToken) is not { } report)
        {
            return;
        }

        await ledger.SettleAsync(new CallSettlement
        {
            CallId = call.CallId,
            State = call.IsSettled ? CallState.Settled : CallState.Aborted,
            ErrorType = call.IsSettled ? null : call.ErrorType ?? ErrorTypes.WorkerCrashed,
            Usage = report.Tokens,
            Terms = report.Terms,
            ComputedUsd = prices().Cost(call.Model, report.Tokens, call.CreatedAt, report.Terms),
            ReportedUsd = report.ReportedUsd,
            Metadata = JsonSerializer.SerializeToElement(new CallMetadata(null, null, null) { LookedUp = true }, LlmJson.Default.CallMetadata),
            Reconciles = true,
        });
        Log.CallReconciled(logger, call.CallId, call.Provider, report.ReportedUsd);
    }
}
