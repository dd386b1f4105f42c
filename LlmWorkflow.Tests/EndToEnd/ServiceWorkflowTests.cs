using System.Text.Json;
using LlmWorkflow.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace LlmWorkflow.Tests.EndToEnd;

/// <summary>Workflows that ask services: the shipped ones, and one that is nothing but a JSON file.</summary>
public sealed class ServiceWorkflowTests
{
    // All that an author writes to connect an API: pages, a key, an error inside of a 200.
    private const string Inventory = """
        {
          "$schema": "../service.schema.json",
          "name": "inventory",
          "description": "A shop's stock.",
          "base_url": "URL",
          "allow_private_addresses": true,
          "auth": { "in": "bearer", "variables": ["INVENTORY_API_TOKEN"] },
          "success": "status == 200 && response.ok == true",
          "error_message": "response.reason",
          "operations": {
            "stock": {
              "method": "GET",
              "path": "/shops/${params.shop}/stock",
              "query": { "kind": "${params.kind}", "after": "${page.next}" },
              "parameters": {
                "type": "object",
                "properties": { "shop": { "type": "string" }, "kind": { "type": "string", "enum": ["food", "tools"], "default": "food" } },
                "required": ["shop"]
              },
              "pagination": { "items": "response.articles", "next": "response.cursor", "max_pages": 5 },
              "response": { "articles": "${items}", "shop": "${response.shop.name}", "pages": "${pages}" }
            }
          }
        }
        """;

    private const string AskAll = """
        {
          "name": "ask_all", "version": "1.0.0",
          "steps": [
            { "id": "places", "type": "external_api", "service": "google_places", "operation": "nearby_search", "config": { "lat": "${input.lat}", "lng": "${input.lng}", "type": "hospital", "max_results": 3 } },
            { "id": "weather", "type": "external_api", "service": "weatherapi", "operation": "current", "config": { "lat": "${input.lat}", "lng": "${input.lng}" } },
            { "id": "forecast", "type": "external_api", "service": "weatherapi", "operation": "forecast", "config": { "q": "Austin", "days": 2 } },
            { "id": "stock", "type": "external_api", "service": "inventory", "operation": "stock", "config": { "shop": "north 1/a" } }
          ],
          "output": {
            "places": "${steps.places.data.places}", "temp": "${steps.weather.data.current.temp_c}", "days": "${steps.forecast.data.forecast.forecastday}",
            "stock": "${steps.stock.output}"
          }
        }
        """;

    [Fact]
    public async Task Run_TwoShippedServicesAndOneOnlyInJson_AllAnswer()
    {
        await using var shop = await FakeUpstream.StartAsync(
            FakeUpstream.Json("""{"ok":true,"shop":{"name":"North"},"articles":["rice","beans"],"cursor":"c2"}"""),
            FakeUpstream.Json("""{"ok":true,"shop":{"name":"North"},"articles":["salt"],"cursor":null}"""));
        using var tree = new WorkflowTree(("ask_all", AskAll));
        tree.Write("services/inventory.json", Inventory.Replace("URL", shop.Url.ToString()));
        await using var system = await StartAsync(tree, new() { ["INVENTORY_API_TOKEN"] = "inventory-token-1" });

        var end = await ServiceRun.RunAsync(system, "ask_all", """{"lat":30.27,"lng":-97.74}""");

        Assert.True(end.GetProperty("status").GetString() == "completed", end.GetRawText());
        var output = end.GetProperty("output");
        Assert.Equal(3, output.GetProperty("places").GetArrayLength());
        Assert.Equal(JsonValueKind.Number, output.GetProperty("temp").ValueKind);
        Assert.Equal(2, output.GetProperty("days").GetArrayLength());
        var stock = output.GetProperty("stock");
        Assert.Equal("""{"articles":["rice","beans","salt"],"shop":"North","pages":2}""", stock.GetProperty("data").GetRawText());
        Assert.Equal((200, false), (stock.GetProperty("status_code").GetInt32(), stock.GetProperty("cached").GetBoolean()));
        Assert.Equal(
            [("/shops/north 1/a/stock", "?kind=food"), ("/shops/north 1/a/stock", "?kind=food&after=c2")],
            shop.Received.Select(request => (Uri.UnescapeDataString(request.Path), request.Query)));
        Assert.All(shop.Received, request => Assert.Equal("Bearer inventory-token-1", request.Headers["Authorization"]));
    }

    [Fact]
    public async Task Run_KeyMissing_ConfigErrorNamesTheVariableBeforeAnyRequest()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}"));
        using var tree = new WorkflowTree(("ask", """
            {
              "name": "ask", "version": "1.0.0",
              "steps": [
                { "id": "weather", "type": "external_api", "service": "weatherapi", "operation": "current", "config": { "q": "Austin" },
                  "retry": { "max_attempts": 5, "initial_delay_seconds": 60 } }
              ]
            }
            """));
        await using var system = await StartAsync(tree, new() { ["WEATHERAPI_API_KEY"] = null, ["WEATHERAPI_BASE_URL"] = upstream.Url.ToString() });

        var end = await ServiceRun.RunAsync(system, "ask");

        Assert.Equal("failed", end.GetProperty("status").GetString());
        var error = end.GetProperty("error");
        Assert.Equal(("CONFIG_ERROR", "MissingSetting", false), (error.GetProperty("category").GetString(), error.GetProperty("type").GetString(), error.GetProperty("retryable").GetBoolean()));
        Assert.Contains("WEATHERAPI_API_KEY", error.GetProperty("message").GetString());
        Assert.Equal("weatherapi", error.GetProperty("details").GetProperty("service").GetString());
        Assert.Contains("WEATHERAPI_API_KEY", error.GetProperty("details").GetProperty("suggestions")[0].GetString());
        Assert.Empty(upstream.Received);
    }

    private static Task<SystemInProcess> StartAsync(WorkflowTree tree, Dictionary<string, string?> settings)
    {
        settings["WORKFLOWS_DIR"] = tree.Root;
        return SystemInProcess.StartAsync(settings);
    }
}
