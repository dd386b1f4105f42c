using System.Text;
using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Simulator.Ledger;
using LlmWorkflow.Simulator.RateLimits;

namespace LlmWorkflow.Simulator.Completions;

/// <summary>
/// Answers a chat call of any upstream: 1 read and check the request, 2 ask the behavior entries, 3 plan the reply,
/// 4 play it, whole or as a stream. Every call ends in the ledger, whichever of these it gets to.
/// </summary>
internal sealed class ChatUpstream(BehaviorBook behaviors, CallLedger ledger, PromptCache cache, HoldBook holds, TimeProvider time)
{
    public async Task AnswerAsync(HttpContext http, ChatProtocol protocol)
    {
        var call = Begin(http, protocol);
        try
        {
            await AnswerAsync(http, protocol, call, http.RequestAborted);
            // Kestrel drops what is written to a closed connection without a word.
            http.RequestAborted.ThrowIfCancellationRequested();
        }
        catch (BadHttpRequestException tooLarge) when (tooLarge.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            await FailAsync(http, protocol, call, protocol.Fault(tooLarge.StatusCode, code: null, model: null));
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            call.AbortUnsent();
        }
        finally
        {
            // Does nothing to a settled call; no way out may leave one unrecorded.
            call.Fail(StatusCodes.Status500InternalServerError);
        }
    }

    /// <summary>Anything else under the base path.</summary>
    public Task RefuseUnknownAsync(HttpContext http, ChatProtocol protocol) => FailAsync(
        http, protocol, Begin(http, protocol), new UpstreamFault(StatusCodes.Status404NotFound, "Not Found") { Type = "not_found_error" });

    private UpstreamCall Begin(HttpContext http, ChatProtocol protocol)
    {
        var call = new UpstreamCall(ledger, time, protocol.NewCallId(time), http.Request.Path) { Provider = protocol.Provider };
        protocol.AddHeaders(http.Response, call);
        return call;
    }

    private async Task AnswerAsync(HttpContext http, ChatProtocol protocol, UpstreamCall call, CancellationToken gone)
    {
        // 1. Read and check the request.
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(gone);
        var key = protocol.KeyOf(http.Request);
        call.Key = key is null ? null : KeyFingerprint.Of(key);
        if (key is null || !ApiKeys.IsKnown(key))
        {
            await FailAsync(http, protocol, call, protocol.Unauthorized(key));
            return;
        }

        var (request, fault) = protocol.Read(http.Request, body);
        if (request is null)
        {
            await FailAsync(http, protocol, call, fault!);
            return;
        }

        call.Model = request.Model;
        call.Streamed = request.Stream;
        call.ServiceTier = request.ServiceTier;
        call.PromptSha256 = PromptHash.Of(request.Prompt.Text);

        // 2. Ask the behavior entries.
        var account = $"{protocol.Provider}\n{call.Key}";
        var behavior = behaviors.Decide(new CallFacts(call.Path, request.Model, request.Prompt.Text)
        {
            Account = account, AccountLimit = protocol.AccountLimit, Tokens = protocol.LimitedTokens(request),
        });
        if (behavior.Rate is { } rate)
        {
            http.Response.AddRateLimit(rate, protocol.RateHeaders, behavior.Settings.RetryAfter, time.GetUtcNow());
            if (rate.Limited)
            {
                await FailAsync(http, protocol, call, protocol.Limited(rate, request.Model));
                return;
            }
        }

        if (behavior.Fails && FaultInstead(protocol, request, behavior.Settings) is { } instead)
        {
            await FailAsRequestedAsync(http, protocol, call, instead, behavior.Settings, gone);
            return;
        }

        // 3. Plan the reply.
        var model = behavior.Settings.AnsweringModel ?? request.Model;
        var cached = cache.Plan(request.Prompt, $"{account}\n{model}", protocol.CacheOf(model));
        if (Plan(request, behavior.Settings) is not { } completion)
        {
            await FailAsync(http, protocol, call, protocol.InvalidSchema());
            return;
        }

        var reply = new ChatReply(protocol, call, request, completion, cached.Usage, behavior.Settings);
        call.AnsweringModel = reply.Model;
        call.Byok = behavior.Settings.Byok is true;
        call.LookUpDelay = TimeSpan.FromMilliseconds(behavior.Settings.GenerationDelayMs ?? 0);

        // 4. Play it.
        await new ReplyPlayer(http, call, protocol, reply, behavior, holds, time).PlayAsync(() => cache.Commit(cached), gone);
    }

    // Null: the error comes after the reply's begin.
    private static UpstreamFault? FaultInstead(ChatProtocol protocol, ChatRequest request, Behavior settings) => settings switch
    {
        { ErrorStatus: StatusCodes.Status200OK } when request.Stream || protocol.FailsUnder200 => null,
        { ErrorStatus: null or StatusCodes.Status200OK, ErrorCode: null } => protocol.Fault(StatusCodes.Status500InternalServerError, code: null, request.Model),
        { ErrorStatus: StatusCodes.Status200OK } => protocol.Fault(status: null, settings.ErrorCode, request.Model),
        _ => protocol.Fault(settings.ErrorStatus, settings.ErrorCode, request.Model),
    };

    private static Completion? Plan(ChatRequest request, Behavior behavior)
    {
        try
        {
            return CompletionPlanner.Plan(request.Prompt, behavior);
        }
        catch (InvalidOperationException)
        {
            // A schema with a keyword of the wrong JSON type.
            return null;
        }
    }

    private async Task FailAsRequestedAsync(
        HttpContext http, ChatProtocol protocol, UpstreamCall call, UpstreamFault fault, Behavior behavior, CancellationToken gone)
    {
        if (behavior.LatencyMs is { } latency)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(latency), time, gone);
        }

        if (behavior.RetryAfter is { } seconds && fault.MayRetry)
        {
            http.Response.AddRetryAfter(seconds);
        }

        await FailAsync(http, protocol, call, fault);
    }

    private static Task FailAsync(HttpContext http, ChatProtocol protocol, UpstreamCall call, UpstreamFault fault)
    {
        call.Fail(fault.Status);
        http.Response.StatusCode = fault.Status;
        return http.Response.WriteAsJsonAsync(
            protocol.ErrorBody(fault, http.Response), SimulatorJson.Wire.JsonObject, cancellationToken: http.RequestAborted);
    }
}
