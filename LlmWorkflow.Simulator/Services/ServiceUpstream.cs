using System.Text;
using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Services;

/// <summary>
/// Answers a call of any simulated service: 1 read and check the request, 2 ask the behavior entries, 3 choose the answer, 4 play it. Every call ends in the
/// ledger, whichever of these it gets to; it has no model and costs nothing there.
/// </summary>
internal sealed class ServiceUpstream(BehaviorBook behaviors, CallLedger ledger, HoldBook holds, TimeProvider time)
{
    public async Task AnswerAsync(HttpContext http, ServiceProtocol protocol)
    {
        var call = new UpstreamCall(ledger, time, $"{protocol.Name}-{Guid.CreateVersion7(time.GetUtcNow()):N}", http.Request.Path) { Provider = protocol.Name };
        try
        {
            await AnswerAsync(http, protocol, call, http.RequestAborted);
            // Kestrel drops what is written to a closed connection without a word.
            http.RequestAborted.ThrowIfCancellationRequested();
        }
        catch (BadHttpRequestException tooLarge) when (tooLarge.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            await Player(http, call, new Behavior()).SendAsync(protocol.Error(tooLarge.StatusCode, code: null, note: null), http.RequestAborted);
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

    private async Task AnswerAsync(HttpContext http, ServiceProtocol protocol, UpstreamCall call, CancellationToken gone)
    {
        // 1. Read and check the request.
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(gone);
        var key = protocol.KeyOf(http.Request);
        var text = QueryWithoutKey(http.Request, protocol) + body;
        call.Key = key is null ? null : KeyFingerprint.Of(key);
        call.PromptSha256 = PromptHash.Of(text);
        http.Request.Path.StartsWithSegments(protocol.BasePath, StringComparison.Ordinal, out var below);
        var answer = protocol.Answer(new ServiceRequest(http.Request.Method, below.Value ?? "", body, key, http.Request));
        if (answer.IsError)
        {
            await Player(http, call, new Behavior()).SendAsync(answer, gone);
            return;
        }

        // 2. Ask the behavior entries.
        var behavior = behaviors.Decide(new CallFacts(call.Path, Model: null, text) { Account = $"{protocol.Name}\n{call.Key}" });
        var settings = behavior.Settings;
        var player = Player(http, call, settings);
        if (behavior.Rate is { Limited: true } rate)
        {
            http.Response.AddRetryAfter(settings.RetryAfter ?? Math.Ceiling(rate.FreeAfter.TotalSeconds));
            await Player(http, call, new Behavior()).SendAsync(protocol.Limited(rate), gone);
            return;
        }

        // 3. Choose the answer.
        await player.HoldAsync(HoldPoint.BeforeResponse, gone);
        await Task.Delay(TimeSpan.FromMilliseconds(settings.LatencyMs ?? protocol.DefaultLatencyMs), time, gone);
        var note = settings.Fault is ServiceFault.EchoKey ? $"The key is '{key}'." : null;
        if (behavior.Fails)
        {
            answer = settings.ErrorStatus is StatusCodes.Status200OK
                ? ServiceAnswer.Ok(protocol.ErrorUnder200(settings.ErrorCode, note))
                : protocol.Error(settings.ErrorStatus, settings.ErrorCode, note);
            if (settings.RetryAfter is { } seconds)
            {
                http.Response.AddRetryAfter(seconds);
            }
        }
        else if (note is not null)
        {
            answer.Body["echo"] = note;
        }

        // 4. Play it.
        await player.PlayAsync(answer, behavior.Fails, gone);
    }

    private ServicePlayer Player(HttpContext http, UpstreamCall call, Behavior settings) => new(http, call, settings, holds, time);

    // What match.text looks at, and what the ledger's hash is of.
    private static string QueryWithoutKey(HttpRequest request, ServiceProtocol protocol) => request.Query.Count == 0
        ? ""
        : string.Concat(request.Query.Where(parameter => !protocol.KeyParameters.Contains(parameter.Key, StringComparer.OrdinalIgnoreCase))
            .Select(parameter => $"{parameter.Key}={parameter.Value}\n"));
}

internal static class ServiceEndpoints
{
    /// <summary>Maps everything under the base path of a service.</summary>
    public static void MapService<T>(this IEndpointRouteBuilder routes)
        where T : ServiceProtocol
    {
        var protocol = routes.ServiceProvider.GetRequiredService<T>();
        routes.Map(protocol.BasePath + "/{**rest}", (HttpContext http, ServiceUpstream upstream) => upstream.AnswerAsync(http, protocol));
    }
}
