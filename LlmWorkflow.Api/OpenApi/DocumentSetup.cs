using Microsoft.OpenApi;

namespace LlmWorkflow.Api.OpenApi;

/// <summary>The OpenAPI 3.1 document at <c>/openapi/v1.json</c>.</summary>
internal static class DocumentSetup
{
    public static void AddApiDocument(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new()
            {
                Title = "LlmWorkflow API",
                Version = "v1",
                Description = "Runs LLM workflows as durable jobs: submit, follow by SSE or polling, be told the end by a signed webhook. Errors are RFC 9457 problem details whose `error` says who has to act and whether trying again helps.",
            };
            // Relative: the document is right behind any proxy.
            document.Servers = [new() { Url = "/" }];
            SecuritySchemes.AddTo(document);
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(ApiDocument.ApplyAsync);
    });
}
