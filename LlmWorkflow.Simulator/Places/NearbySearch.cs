using System.Text;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Places;

/// <summary>Answers <c>POST /places/v1/places:searchNearby</c> of the Places API (New). Its calls have no model and cost nothing in the ledger.</summary>
internal sealed class NearbySearch(BehaviorBook behaviors, CallLedger ledger, TimeProvider time)
{
    private const double DefaultLatencyMs = 60;

    public async Task AnswerAsync(HttpContext http)
    {
        var call = Begin(http);
        try
        {
            await AnswerAsync(http, call, http.RequestAborted);
            http.RequestAborted.ThrowIfCancellationRequested();
        }
        catch (BadHttpRequestException tooLarge) when (tooLarge.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            await FailAsync(http, call, RpcError.OfStatus(tooLarge.StatusCode));
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            call.AbortUnsent();
        }
        finally
        {
            call.Fail(StatusCodes.Status500InternalServerError);
        }
    }

    /// <summary>Anything else under the base path.</summary>
    public Task RefuseUnknownAsync(HttpContext http) => FailAsync(http, Begin(http), RpcError.OfStatus(404));

    private UpstreamCall Begin(HttpContext http) =>
        new(ledger, time, $"places-{Guid.CreateVersion7(time.GetUtcNow()):N}", http.Request.Path) { Provider = "google_places" };

    private async Task AnswerAsync(HttpContext http, UpstreamCall call, CancellationToken gone)
    {
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(gone);
        call.PromptSha256 = PromptHash.Of(body);

        if (Given(http.Request, "X-Goog-Api-Key", "key") is not { } key)
        {
            await FailAsync(http, call, RpcError.NoKey);
            return;
        }

        call.Key = KeyFingerprint.Of(key);
        if (Given(http.Request, "X-Goog-FieldMask", "$fields", "fields") is not { } fields)
        {
            await FailAsync(http, call, RpcError.NoFieldMask);
            return;
        }

        var (mask, unknownPath) = FieldMask.Parse(fields);
        if (mask is null)
        {
            await FailAsync(http, call, RpcError.UnknownField(unknownPath!));
            return;
        }

        var (request, fault) = NearbySearchRequest.Read(body);
        if (request is null)
        {
            await FailAsync(http, call, RpcError.Invalid(fault!));
            return;
        }

        var behavior = behaviors.Decide(new CallFacts(call.Path, Model: null, body) { Account = $"{call.Provider}\n{call.Key}" });
        if (behavior.Rate is { Limited: true } rate)
        {
            http.Response.AddRetryAfter(behavior.Settings.RetryAfter ?? Math.Ceiling(rate.FreeAfter.TotalSeconds));
            await FailAsync(http, call, RpcError.OfStatus(429));
            return;
        }

        await Task.Delay(TimeSpan.FromMilliseconds(behavior.Settings.LatencyMs ?? DefaultLatencyMs), time, gone);
        await (behavior.Fails ? FailAsRequestedAsync(http, call, behavior.Settings) : SendAsync(http, call, request, mask, gone));
    }

    private static Task SendAsync(HttpContext http, UpstreamCall call, NearbySearchRequest request, FieldMask mask, CancellationToken gone)
    {
        var places = new JsonArray([.. PlaceDirectory.Search(request).Select(mask.Apply)]);
        // When nothing is found the field is left out, as protobuf's JSON does with empty lists.
        var reply = places.Count == 0 ? [] : new JsonObject { ["places"] = places };
        call.Complete(Bill.Nothing);
        return http.Response.WriteAsJsonAsync(reply, SimulatorJson.Wire.JsonObject, cancellationToken: gone);
    }

    private static Task FailAsRequestedAsync(HttpContext http, UpstreamCall call, Behavior behavior)
    {
        if (behavior.RetryAfter is { } seconds)
        {
            http.Response.AddRetryAfter(seconds);
        }

        var status = behavior.ErrorStatus ?? StatusCodes.Status500InternalServerError;
        // Google sends no errors under 200; what asks for that gets the body of a 500 with it.
        var error = RpcError.OfStatus(status == StatusCodes.Status200OK ? StatusCodes.Status500InternalServerError : status);
        return FailAsync(http, call, error, status);
    }

    private static Task FailAsync(HttpContext http, UpstreamCall call, RpcError error, int? status = null)
    {
        http.Response.StatusCode = status ?? error.Code;
        call.Fail(http.Response.StatusCode);
        return http.Response.WriteAsJsonAsync(
            new RpcErrorReply(error), SimulatorJson.Wire.RpcErrorReply, cancellationToken: http.RequestAborted);
    }

    private static string? Given(HttpRequest request, string header, params ReadOnlySpan<string> parameters)
    {
        if (!string.IsNullOrWhiteSpace(request.Headers[header]))
        {
            return request.Headers[header];
        }

        foreach (var parameter in parameters)
        {
            if (!string.IsNullOrWhiteSpace(request.Query[parameter]))
            {
                return request.Query[parameter];
            }
        }

        return null;
    }
}

internal static class PlacesEndpoints
{
    public static void MapPlaces(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/places/v1/places:searchNearby", (HttpContext http, NearbySearch search) => search.AnswerAsync(http));
        routes.Map("/places/{**rest}", (HttpContext http, NearbySearch search) => search.RefuseUnknownAsync(http));
    }
}
