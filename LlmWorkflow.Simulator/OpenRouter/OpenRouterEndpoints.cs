using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.OpenRouter;

/// <summary>OpenRouter under <c>/openrouter/api/v1</c>.</summary>
internal static class OpenRouterEndpoints
{
    public static void MapOpenRouter(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/openrouter/api/v1");
        api.MapPost("/chat/completions", (HttpContext http, ChatUpstream chat, OpenRouterProtocol protocol) => chat.AnswerAsync(http, protocol));
        api.MapGet("/generation", GenerationAsync);
        routes.Map("/openrouter/{**rest}", (HttpContext http, ChatUpstream chat, OpenRouterProtocol protocol) => chat.RefuseUnknownAsync(http, protocol));
    }

    // A read of the books: it costs nothing, and is no call in the ledger. Refused calls have no generation.
    private static Task GenerationAsync(HttpContext http, CallLedger ledger, TimeProvider time, string? id)
    {
        var key = ApiKeys.Bearer(http.Request);
        if (key is null || !ApiKeys.IsKnown(key))
        {
            return FailAsync(http, OpenRouterErrors.Unauthorized(key));
        }

        return id is not null && ledger.Find(id) is { AnsweringModel: { } model } entry && entry.HiddenUntil <= time.GetUtcNow()
            ? http.Response.WriteAsJsonAsync(new GenerationReply(View(entry, model)), SimulatorJson.Wire.GenerationReply, cancellationToken: http.RequestAborted)
            : FailAsync(http, new UpstreamFault(StatusCodes.Status404NotFound, $"Generation {id} not found"));
    }

    private static Task FailAsync(HttpContext http, UpstreamFault fault)
    {
        http.Response.StatusCode = fault.Status;
        return http.Response.WriteAsJsonAsync(
            new JsonObject { ["error"] = OpenRouterErrors.Json(fault, providerName: null) }, SimulatorJson.Wire.JsonObject, cancellationToken: http.RequestAborted);
    }

    private static Generation View(LedgerEntry entry, string model)
    {
        var price = PriceTable.OfRouted(model);
        var upstream = entry.Byok ? price.OfInput(entry.Tokens) + price.OfOutput(entry.Tokens) : entry.Usd;
        return new Generation
        {
            Id = entry.Id,
            Model = model,
            ProviderName = ModelVendor.ProviderName(model),
            CreatedAt = entry.At,
            TotalCost = ModelPrice.Trim(entry.Byok ? entry.Usd - upstream : entry.Usd),
            UpstreamInferenceCost = ModelPrice.Trim(upstream),
            CacheDiscount = entry.Tokens.TotalInput == entry.Tokens.Input ? null : price.CacheDiscount(entry.Tokens),
            IsByok = entry.Byok,
            TokensPrompt = entry.InputTokens,
            TokensCompletion = entry.OutputTokens,
            NativeTokensReasoning = entry.Tokens.Reasoning,
            NativeTokensCached = entry.Tokens.CacheRead,
            Streamed = entry.Streamed,
            Cancelled = entry.Outcome is CallOutcome.Aborted,
            FinishReason = entry.FinishReason,
            NativeFinishReason = ModelVendor.NativeFinishReason(model, entry.FinishReason),
            GenerationTime = (long)entry.Duration.TotalMilliseconds,
        };
    }
}
