using System.Text;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.OpenRouter;

/// <summary>
/// Answers <c>POST /chat/completions</c>: 1 read and check the request, 2 ask the behavior entries, 3 plan the reply,
/// 4 play it, whole or as a stream. Every call ends in the ledger, whichever of these it gets to.
/// </summary>
internal sealed class ChatCompletions(BehaviorBook behaviors, CallLedger ledger, TimeProvider time)
{
    public async Task AnswerAsync(HttpContext http)
    {
        var call = new UpstreamCall(ledger, time, OpenRouterEndpoints.NewId(time), http.Request.Path);
        http.Response.Headers["x-generation-id"] = call.Id;
        try
        {
            await AnswerAsync(http, call, http.RequestAborted);
            // Kestrel drops what is written to a closed connection without a word.
            http.RequestAborted.ThrowIfCancellationRequested();
        }
        catch (BadHttpRequestException tooLarge) when (tooLarge.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            await FailAsync(http, call, tooLarge.StatusCode, OpenRouterErrors.OfStatus(tooLarge.StatusCode, providerName: null));
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            call.AbortUnsent();
        }
        finally
        {
            // Does nothing to a settled call; no way out may leave one unrecorded.
            call.Fail();
        }
    }

    private async Task AnswerAsync(HttpContext http, UpstreamCall call, CancellationToken gone)
    {
        // 1. Read and check the request.
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(gone);
        if (!OpenRouterEndpoints.HasBearerToken(http.Request))
        {
            await FailAsync(http, call, StatusCodes.Status401Unauthorized, OpenRouterErrors.Unauthorized);
            return;
        }

        var (request, fault) = ChatRequest.Read(body);
        if (request is null)
        {
            await FailAsync(http, call, StatusCodes.Status400BadRequest, OpenRouterErrors.BadRequest(fault!));
            return;
        }

        call.Model = request.Model;
        call.Streamed = request.Stream;
        call.PromptSha256 = PromptHash.Of(request.Prompt.Text);

        // 2. Ask the behavior entries.
        var behavior = behaviors.Decide(call.Path, request.Model, request.Prompt.Text);
        if (behavior.Limit is { } hit)
        {
            OpenRouterErrors.AddRateLimitHeaders(http.Response, hit, behavior.Settings.RetryAfter, time.GetUtcNow());
            await FailAsync(http, call, StatusCodes.Status429TooManyRequests, OpenRouterErrors.OfStatus(429, providerName: null));
            return;
        }

        if (behavior is { Fails: true, Settings.ErrorStatus: not StatusCodes.Status200OK })
        {
            await FailAsRequestedAsync(http, call, request, behavior.Settings, gone);
            return;
        }

        // 3. Plan the reply.
        if (Plan(request, behavior.Settings) is not { } completion)
        {
            await FailAsync(http, call, StatusCodes.Status400BadRequest, OpenRouterErrors.BadRequest("Invalid schema for response_format"));
            return;
        }

        // 4. Play it.
        var reply = new ChatReply(http, call, request, completion, behavior, new Playback(time, Pace.Of(behavior.Settings)), time);
        await (request.Stream ? reply.StreamAsync(gone) : reply.SendWholeAsync(gone));
    }

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

    private async Task FailAsRequestedAsync(HttpContext http, UpstreamCall call, ChatRequest request, Behavior behavior, CancellationToken gone)
    {
        if (behavior.LatencyMs is { } latency)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(latency), time, gone);
        }

        if (behavior.RetryAfter is { } seconds)
        {
            http.Response.AddRetryAfter(seconds);
        }

        var status = behavior.ErrorStatus ?? StatusCodes.Status500InternalServerError;
        await FailAsync(http, call, status, OpenRouterErrors.OfStatus(status, ModelVendor.ProviderName(request.Model)));
    }

    private static Task FailAsync(HttpContext http, UpstreamCall call, int status, ErrorDetail error)
    {
        call.Fail();
        return OpenRouterErrors.SendAsync(http.Response, status, error, http.RequestAborted);
    }
}
