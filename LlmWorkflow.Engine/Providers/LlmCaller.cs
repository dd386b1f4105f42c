using System.Runtime.ExceptionServices;
using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Providers.Gate;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>
/// Asks a model for a step, and never pays twice:
/// <list type="number">
/// <item>a reply that the ledger has for the same request is used again;</item>
/// <item>else the call waits for its turn at the provider, and gets its row in the ledger before the provider is asked;</item>
/// <item>the provider is asked, once;</item>
/// <item>however that ends, the row is settled before anything else happens;</item>
/// <item>and the provider's gate learns from it.</item>
/// </list>
/// </summary>
internal sealed class LlmCaller(
    ChatClientRegistry clients, ICallLedger ledger, IProviderGate gate, Func<PriceBook> currentPrices, Func<SpendLimits> currentLimits, EngineOptions options,
    TimeProvider time)
{
    // A provider that refuses this often gets no further call for nothing: the error counts, and the step's retry decides.
    private const int MostRefusals = 50;

    private static readonly TimeSpan PauseAfterRefusal = TimeSpan.FromSeconds(1);

    private readonly CallAdmission _admission = new(ledger, gate, time);

    /// <summary>Makes the call. Failures of the provider are outcomes.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; what the call cost until then is in the ledger.</exception>
    /// <exception cref="LeaseLostException">The job is another worker's now; no call was made.</exception>
    public async Task<LlmOutcome> CallAsync(LlmRequest request, CancellationToken cancellationToken)
    {
        // 1. Paid for already?
        var hash = request.Prompt.Hash();
        if (FindPaid(request, hash).LastOrDefault() is { } paid)
        {
            return paid;
        }

        cancellationToken.ThrowIfCancellationRequested();
        ChatClientRegistration provider;
        try
        {
            provider = clients.Get(request.Prompt.Provider);
        }
        catch (WorkflowException exception)
        {
            return new LlmOutcome { Error = exception.Error };
        }

        // 2. Wait for its turn, and write the row. One snapshot of the prices for the whole call, however often the file is reloaded meanwhile.
        var prices = currentPrices();
        var maxTokens = request.Prompt.MaxTokens ?? prices.DefaultMaxTokens(request.Prompt.Model);
        var reservation = Reservation(request, hash, maxTokens, prices);
        var (pass, ended) = await _admission.EnterAsync(
            request, reservation, new(provider.Name, provider.Credential(), request.Prompt.Model),
            new($"{request.Job.JobId:N}/{request.StepPath}", TokenEstimate.Input(request.Prompt.Messages), maxTokens), cancellationToken);
        if (ended is not null)
        {
            EngineTelemetry.CachedReplies.Add(ended.IsCached ? 1 : 0, new(EngineTelemetry.Tags.Provider, provider.TelemetryName ?? provider.Name), new(EngineTelemetry.Tags.RequestModel, request.Prompt.Model));
            return ended;
        }

        // 3. to 5.
        return await AskAsync(provider, request, reservation, pass!, maxTokens, prices, cancellationToken);
    }

    /// <summary>The replies that the ledger has for any of some requests, oldest first.</summary>
    public static IEnumerable<LlmOutcome> FindPaid(LlmRequest request, params IReadOnlyList<string> hashes)
    {
        foreach (var call in request.EarlierCalls)
        {
            if (call.State == CallState.Settled && call.Key.Ordinal >= request.ReuseFrom && hashes.Contains(call.RequestHash)
                && call.Reply.ValueKind == JsonValueKind.Object && call.Reply.Deserialize(LlmJson.Default.LlmReply) is { } reply)
            {
                yield return new LlmOutcome { Reply = reply, Call = call, Reused = true };
            }
        }
    }

    private CallReservation Reservation(LlmRequest request, string hash, int maxTokens, PriceBook prices)
    {
        var (prompt, now) = (request.Prompt, time.GetUtcNow());
        var ordinal = request.EarlierCalls.Select(call => call.Key.Ordinal).DefaultIfEmpty(-1).Max() + 1;
        return new CallReservation
        {
            CallId = Guid.CreateVersion7(now),
            At = now,
            Key = new CallKey(request.Job.JobId, request.StepPath, ordinal),
            Fence = request.Fence,
            Job = request.Job,
            // A call that was refused at no cost is no waste, and what follows it is none either.
            Purpose = request.Purpose ?? (request.EarlierCalls.All(call => call.CostUsd == 0) ? CallPurpose.Useful : CallPurpose.Retry),
            Provider = prompt.Provider,
            RequestedModel = prompt.Model,
            RequestHash = hash,
            ReservedUsd = WorstCase(prompt, maxTokens, prices, now),
            EstimatedUsd = prices.Cost(prompt.Model, TokenEstimate.Expected(prompt.Messages, maxTokens), now, Terms(prompt)),
            Budgets = CallBudgets.Of(request.Budgets, currentLimits(), request.Job.WorkflowName, request.Job.UserId),
            Question = request.Keeping?.Question,
        };
    }

    private static decimal? WorstCase(LlmPrompt prompt, int maxTokens, PriceBook prices, DateTimeOffset now)
    {
        var options = prompt.ProviderOptions ?? default;
        // Tools that the provider runs are billed by use, and nobody knows how often it will use them.
        return ProviderOptions.AreBilledByUse(options) || prompt.Model.EndsWith(":online", StringComparison.Ordinal) ? null : prices.WorstCase(
            prompt.Model,
            TokenEstimate.InputUpperBound(prompt.Messages)
                + TokenEstimate.FormatUpperBound(prompt.Format is not null, prompt.Format?.Schema ?? default) + ProviderOptions.InputUpperBound(options),
            maxTokens, now, options.ValueKind is JsonValueKind.Object && options.TryGetProperty("cache_control", out _), Terms(prompt));
    }

    private static IReadOnlyList<string> Terms(LlmPrompt prompt) => prompt.ProviderOptions is { } asked ? PriceTerms.Of(asked) : [];

    private async Task<LlmOutcome> AskAsync(
        ChatClientRegistration provider, LlmRequest request, CallReservation reservation, GatePass pass, int maxTokens, PriceBook prices, CancellationToken cancellationToken)
    {
        var prompt = request.Prompt;
        var reply = new ReplyBuilder(prompt);
        using var span = ChatTelemetry.Start(provider, request, reservation.Key.Ordinal, maxTokens, options.CaptureMessageContent);
        var started = time.GetTimestamp();
        WorkflowError? error = null;
        ExceptionDispatchInfo? fault = null;
        using (var timeout = new CancellationTokenSource(options.ProviderTimeout, time))
        using (var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token))
        {
            try
            {
                // Leaving this call has closed the connection, whichever way it was left.
                await ReceiveAsync(provider, request, reply, reservation, pass, maxTokens, started, stop.Token);
                error = reply.FinishReason == ChatFinishReason.ContentFilter.Value ? ProviderErrors.Filtered(prompt.Provider, prompt.Model) : null;
            }
            catch (Exception exception)
            {
                // Settling comes first, so everything is caught; what is no upstream failure goes on its way afterwards.
                error = cancellationToken.IsCancellationRequested ? Cancelled
                    : timeout.IsCancellationRequested ? ProviderErrors.Timeout(prompt.Provider, prompt.Model, options.ProviderTimeout)
                    : ProviderErrors.FromException(exception, prompt.Provider, prompt.Model);
                fault = error is null ? ExceptionDispatchInfo.Capture(exception) : null;
            }
        }

        var settlement = Settlement(request, reservation, reply, error, prices, time.GetElapsedTime(started), complete: error is null && fault is null);
        ChatTelemetry.Stop(span, provider, prompt, reply, settlement, options.CaptureMessageContent);
        IReadOnlyList<BudgetState> warnings;
        try
        {
            warnings = await ledger.SettleAsync(settlement);
        }
        finally
        {
            // Not waited for: it keeps its order and cannot fail.
            _ = gate.LeaveAsync(pass, Report(error, reply, request.Stream));
        }

        if (ReferenceEquals(error, Cancelled))
        {
            throw new OperationCanceledException(cancellationToken);
        }

        foreach (var warning in warnings)
        {
            await request.OnBudgetWarning(warning);
        }

        fault?.Throw();
        return new LlmOutcome
        {
            Reply = error is null ? reply.ToReply(settlement.Usage, settlement.Duration) : null,
            Error = error,
            Wait = error is { Retryable: true, Type: ErrorTypes.RateLimited or ErrorTypes.Overloaded } && Refusals(request) < MostRefusals ? AfterRefusal(error) : null,
            Call = reservation.ToCall().With(settlement),
        };
    }

    private static int Refusals(LlmRequest request) =>
        request.EarlierCalls.Count(call => call.Provider == request.Prompt.Provider && call.ErrorType is ErrorTypes.RateLimited or ErrorTypes.Overloaded);

    // The gate has learned of it and gives the call its place when it is asked again.
    private CallWait AfterRefusal(WorkflowError error) =>
        new(WaitReason.Provider, time.GetUtcNow() + (error.RetryAfter is > 1 and var seconds ? TimeSpan.FromSeconds(seconds) : PauseAfterRefusal), error.Message);

    private static GateReport Report(WorkflowError? error, ReplyBuilder reply, bool isStreamed) => new(
        error?.Type switch
        {
            ErrorTypes.RateLimited => GateOutcome.RateLimited,
            ErrorTypes.Overloaded => GateOutcome.Overloaded,
            ErrorTypes.UpstreamServerError or ErrorTypes.NetworkError or ErrorTypes.UpstreamTimeout => GateOutcome.Failed,
            ErrorTypes.Cancelled => GateOutcome.Abandoned,
            _ => GateOutcome.Answered,
        },
        error?.RetryAfter is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        // Those of a stream were told when it began.
        isStreamed && reply.FirstPieceAfter is not null ? [] : reply.Progress.RateLimits);

    private async Task ReceiveAsync(
        ChatClientRegistration provider, LlmRequest request, ReplyBuilder reply, CallReservation reservation, GatePass pass, int maxTokens,
        long started, CancellationToken cancellationToken)
    {
        var client = provider.Client;
        Task noting = Task.CompletedTask;

        var messages = request.Prompt.Messages.Select(message => new ChatMessage(new ChatRole(message.Role), message.Content)).ToList();
        var chatOptions = request.Prompt.ToChatOptions(maxTokens);
        reply.Progress.AttachTo(chatOptions);
        if (request.Stream)
        {
            try
            {
                await foreach (var update in client.GetStreamingResponseAsync(messages, chatOptions, cancellationToken))
                {
                    Take(update);
                }
            }
            finally
            {
                await noting;
            }
        }
        else
        {
            var response = await client.GetResponseAsync(messages, chatOptions, cancellationToken);
            foreach (var update in response.ToChatResponseUpdates())
            {
                Take(update);
            }
        }

        void Take(ChatResponseUpdate update)
        {
            if (reply.FirstPieceAfter is null)
            {
                reply.FirstPieceAfter = time.GetElapsedTime(started);
                _ = request.Stream ? gate.HearAsync(pass, reply.Progress.RateLimits) : Task.CompletedTask;
            }

            var isNew = reply.ResponseId is null;
            if (reply.Add(update) is { Length: > 0 } piece)
            {
                request.OnDelta?.Invoke(reservation.Key.Ordinal, piece);
            }

            // If this process dies now, the id is what the provider can be asked by.
            if (isNew && request.Stream && provider.LookUpAsync is not null && reply.ResponseId is { } id)
            {
                noting = ledger.NoteAsync(reservation.CallId, id);
            }
        }
    }

    private CallSettlement Settlement(
        LlmRequest request, CallReservation reservation, ReplyBuilder reply, WorkflowError? error, PriceBook prices, TimeSpan duration, bool complete)
    {
        var cancelled = ReferenceEquals(error, Cancelled);
        var isUnknown = !complete && reply.IsFateUnknown(cancelled ? null : error);
        var usage = isUnknown ? new TokenUsage() : reply.Usage(complete, cancelled ? null : error);
        var whole = complete ? reply.ToReply(usage, duration) : null;
        return new CallSettlement
        {
            CallId = reservation.CallId,
            State = complete ? CallState.Settled : isUnknown ? CallState.PossiblyBilled : CallState.Aborted,
            Purpose = cancelled ? CallPurpose.Cancelled : null,
            AnsweredModel = reply.Model,
            ResponseId = reply.ResponseId,
            Reply = whole is null ? default : JsonSerializer.SerializeToElement(whole, LlmJson.Default.LlmReply),
            KeepFor = whole is not null && request.Keeping is { } keeping && keeping.IsUsable(whole) ? keeping.KeepFor : null,
            Budgets = reservation.Budgets,
            Usage = usage,
            Terms = reply.Terms,
            // A refused call costs nothing, whatever the price.
            ComputedUsd = isUnknown ? null
                : !complete && usage.TotalTokens == 0 ? 0
                : prices.Cost(PriceBook.Resolve(reservation.RequestedModel, reply.Model), usage, reservation.At, reply.Terms),
            ReportedUsd = reply.ReportedUsd,
            Duration = duration,
            ErrorType = complete ? null : error?.Type ?? ErrorTypes.InternalError,
            Metadata = JsonSerializer.SerializeToElement(reply.ToMetadata(usage), LlmJson.Default.CallMetadata),
        };
    }

    private static readonly WorkflowError Cancelled = new()
    {
        Type = ErrorTypes.Cancelled,
        Category = ErrorCategory.User,
        Message = "The call was cancelled.",
    };
}
