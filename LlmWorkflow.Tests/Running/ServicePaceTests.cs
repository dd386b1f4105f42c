using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Tests.AppHost;
using LlmWorkflow.Tests.Support;
using Xunit.Abstractions;

namespace LlmWorkflow.Tests.Running;

/// <summary>A service that may be asked ten times a second, with bursts of twenty, by four workers together.</summary>
[Collection(nameof(RunningSystem))]
public sealed class ServicePaceTests(ITestOutputHelper output)
{
    private const int PerSecond = 10;
    private const int Burst = 20;
    private const int Jobs = 360;

    private static readonly TimeSpan s_measured = TimeSpan.FromSeconds(30);

    [Fact]
    [Trait("Category", "Full")]
    public async Task TenASecondWithBurstsOfTwenty_FourWorkers_NeverMoreAndHardlyLess()
    {
        using var tree = new WorkflowTree(
            ("weather", Definition("weather", "weatherapi", "current", """{ "q": "${input.what}" }""")),
            ("places", Definition("places", "google_places", "place_details", """{ "id": "${input.what}" }""")));
        var service = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(tree.Root, "services", "weatherapi.json")))!.AsObject();
        service["rate_limit"] = new JsonObject { ["requests"] = PerSecond, ["per_seconds"] = 1, ["burst"] = Burst };
        tree.Write("services/weatherapi.json", service.ToJsonString());
        await using var system = await RunningSystem.StartAsync($"--WORKFLOWS_DIR={tree.Root}", "--WORKERS=4");
        await Eventually.TrueAsync(async () => (await system.WorkersAsync()).Count == 4, TimeSpan.FromSeconds(60), "four workers");
        // Another service first: what is measured is the pace, not the compiler.
        await RunAsync(system, "places", 80);

        await RunAsync(system, "weather", Jobs);

        var calls = (await system.Simulator.GetFromJsonAsync<JsonElement>(new Uri("/_control/ledger?path=current.json", UriKind.Relative))).GetProperty("calls")
            .EnumerateArray().Select(call => call.GetProperty("at").GetDateTimeOffset()).Order().ToList();
        var busiest = calls.Max(from => calls.Count(at => at >= from && at < from.AddSeconds(1)));
        var used = calls.Count(at => at < calls[0] + s_measured);
        var allowed = Burst + (PerSecond * s_measured.TotalSeconds);
        output.WriteLine($"{used} of {allowed} in {s_measured.TotalSeconds} s ({used / allowed:P1}), at most {busiest} in a second of {PerSecond + Burst} allowed");
        Assert.Equal(Jobs, calls.Count);
        Assert.InRange(busiest, 0, PerSecond + Burst);
        Assert.InRange(used / allowed, 0.95, 1);
    }

    private static string Definition(string name, string service, string operation, string config) => $$"""
        {
          "name": "{{name}}", "version": "1.0.0",
          "steps": [{ "id": "ask", "type": "external_api", "service": "{{service}}", "operation": "{{operation}}", "config": {{config}}, "on_error": "continue" }]
        }
        """;

    private static async Task RunAsync(RunningSystem system, string workflow, int count) => await system.RunAsync(
        Enumerable.Range(0, count).Select(i => new SubmitRequest { WorkflowName = workflow, InputData = JsonElement.Parse($$"""{"what":"{{workflow}} {{i}}"}""") }),
        TimeSpan.FromMinutes(3));
}
