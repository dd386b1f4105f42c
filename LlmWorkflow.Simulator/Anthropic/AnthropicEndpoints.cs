using LlmWorkflow.Simulator.Completions;

namespace LlmWorkflow.Simulator.Anthropic;

/// <summary>Anthropic under <c>/anthropic</c>; its base URL has no version.</summary>
internal static class AnthropicEndpoints
{
    public static void MapAnthropic(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/anthropic/v1/messages", (HttpContext http, ChatUpstream chat, AnthropicProtocol protocol) => chat.AnswerAsync(http, protocol));
        routes.Map("/anthropic/{**rest}", (HttpContext http, ChatUpstream chat, AnthropicProtocol protocol) => chat.RefuseUnknownAsync(http, protocol));
    }
}
