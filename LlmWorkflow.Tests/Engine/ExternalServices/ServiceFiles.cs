using System.Text.Json;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

/// <summary>Service files for tests.</summary>
internal static class ServiceFiles
{
    /// <summary>A good file that uses most of the format; faults are put into it line by line.</summary>
    public const string Good = """
        {
          "name": "mine",
          "base_url": "https://api.example.com/v1",
          "base_url_variable": "MINE_BASE_URL",
          "auth": { "in": "header", "name": "X-Api-Key", "variables": ["MINE_API_KEY"] },
          "timeout_seconds": 10,
          "operations": {
            "find": {
              "method": "POST",
              "path": "/things/${params.kind}",
              "query": { "q": "${params.q}", "page": "${page.number}" },
              "headers": { "X-Trace": "a" },
              "body": { "limit": "${params.limit}" },
              "parameters": {
                "properties": {
                  "kind": { "type": "string" },
                  "q": { "type": "string", "aliases": ["query"] },
                  "limit": { "type": "integer", "default": 10, "minimum": 1 }
                },
                "required": ["kind"]
              },
              "variants": [{ "when": "exists(params.q)", "path": "/search/${params.kind}" }],
              "success": "response.ok == true",
              "errors": [{ "when": "response.code == 7", "type": "RateLimited" }],
              "pagination": { "items": "response.items", "max_items": "${params.limit}" },
              "response": { "things": "${items}" },
              "cache_ttl_seconds": 0
            }
          }
        }
        """;

    /// <summary>A service of one operation <c>get</c>, without a key.</summary>
    /// <param name="operation">Members of the operation; <c>path</c> is <c>/x</c> unless they say another.</param>
    /// <param name="service">Further members of the service, each with a comma behind it.</param>
    public static ServiceDefinition Of(string operation, string service = "")
    {
        var path = operation.Contains("\"path\"", StringComparison.Ordinal) ? "" : "\"path\": \"/x\"" + (operation.Length == 0 ? "" : ",");
        var (definition, faults) = ServiceFileReader.Read(
            "mine", $$"""{ "name": "mine", "base_url": "https://api.example.com/v1", {{service}} "operations": { "get": { {{path}} {{operation}} } } }""");
        Assert.Empty(faults.Select(fault => fault.ToString()));
        return definition;
    }

    public static JsonElement Json(string json) => JsonElement.Parse(json);

    public static Dictionary<string, JsonElement> Values(string json) =>
        Json(json).EnumerateObject().ToDictionary(property => property.Name, property => property.Value);
}
