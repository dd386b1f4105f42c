using LlmWorkflow.Simulator.Completions;

namespace LlmWorkflow.Simulator.OpenAi;

/// <summary>OpenAI under <c>/openai/v1</c>.</summary>
internal static class OpenAiEndpoints
{
    public static void MapOpenAi(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/openai/v1/chat/completions", (HttpContext http, ChatUpstream chat, OpenAiProtocol protocol) => chat.AnswerAsync(http, protocol));
        routes.Map("/openai/{**rest}", (HttpContext http, ChatUpstream chat, OpenAiProtocol protocol) => chat.RefuseUnknownAsync(http, protocol));
    }
}
