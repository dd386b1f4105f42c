namespace LlmWorkflow.Simulator.Completions;

internal static class PromptCacheEndpoints
{
    public static void MapPromptCache(this IEndpointRouteBuilder routes) => routes.MapDelete("/_control/cache", (PromptCache cache) =>
    {
        cache.Clear();
        return TypedResults.NoContent();
    });
}
