using System.Security.Cryptography;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.OpenRouter;

/// <summary>OpenRouter under <c>/openrouter/api/v1</c>.</summary>
internal static class OpenRouterEndpoints
{
    public static void MapOpenRouter(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/openrouter/api/v1");
        api.MapPost("/chat/completions", (HttpContext http, ChatCompletions chat) => chat.AnswerAsync(http));
        api.MapGet("/generation", Generation);
        routes.Map("/openrouter/{**rest}", UnknownAsync);
    }

    /// <summary>Ids look like the real ones: <c>gen-</c>, Unix seconds, 20 letters and digits.</summary>
    public static string NewId(TimeProvider time) => $"gen-{time.GetUtcNow().ToUnixTimeSeconds()}-{RandomNumberGenerator.GetString(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 20)}";

    public static bool HasBearerToken(HttpRequest request) =>
        request.Headers.Authorization.ToString().Split(' ', 2) is [var scheme, var token]
        && scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrWhiteSpace(token);

    private static async Task UnknownAsync(HttpContext http, CallLedger ledger, TimeProvider time)
    {
        var call = new UpstreamCall(ledger, time, NewId(time), http.Request.Path);
        call.Fail();
        await OpenRouterErrors.SendAsync(
            http.Response, StatusCodes.Status404NotFound, new ErrorDetail(404, "Not Found", Metadata: null), http.RequestAborted);
    }

    // A read of the books: it costs nothing, and is no call in the ledger.
    private static async Task Generation(HttpContext http, CallLedger ledger, string? id)
    {
        if (!HasBearerToken(http.Request))
        {
            await OpenRouterErrors.SendAsync(http.Response, StatusCodes.Status401Unauthorized, OpenRouterErrors.Unauthorized, http.RequestAborted);
        }
        else if (id is null || ledger.Find(id) is not { Model: { } model } entry)
        {
            await OpenRouterErrors.SendAsync(
                http.Response, StatusCodes.Status404NotFound, new ErrorDetail(404, $"Generation {id} not found", Metadata: null), http.RequestAborted);
        }
        else
        {
            await http.Response.WriteAsJsonAsync(
                new GenerationReply(View(entry, model)), SimulatorJson.Wire.GenerationReply, cancellationToken: http.RequestAborted);
        }
    }

    private static Generation View(LedgerEntry entry, string model) => new()
    {
        Id = entry.Id,
        Model = model,
        ProviderName = ModelVendor.ProviderName(model),
        CreatedAt = entry.At,
        TotalCost = entry.Usd,
        TokensPrompt = entry.InputTokens,
        TokensCompletion = entry.OutputTokens,
        Streamed = entry.Streamed,
        Cancelled = entry.Outcome is CallOutcome.Aborted,
        FinishReason = entry.FinishReason,
        NativeFinishReason = ModelVendor.NativeFinishReason(model, entry.FinishReason),
        GenerationTime = (long)entry.Duration.TotalMilliseconds,
    };
}
