using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;

namespace LlmWorkflow.AppHost;

/// <summary>Submits the sample job the way an application would, shows its progress as it happens, then its result and what it cost.</summary>
internal sealed class Demo(HttpClient http, SystemWatch watch, IConfiguration configuration, TimeProvider time)
{
    private const string WorkflowName = "emergency_contacts";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <returns>Whether the job completed.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            http.BaseAddress = new Uri(watch.UrlOf("api") ?? throw new AppHostException("The API has no address."));
            http.DefaultRequestHeaders.Add("X-API-Key", AppHostSettings.Given(configuration, "LLM_MICROSERVICE_API_KEY") ?? "dev-key");
            var started = time.GetTimestamp();
            var jobId = await SubmitAsync(limit.Token);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"Submitted {WorkflowName} as job {jobId} in {time.GetElapsedTime(started).TotalMilliseconds:0} ms.\n"));
            await new DemoProgress(http, time).FollowAsync(jobId, limit.Token);
            var status = await GetStatusAsync(jobId, limit.Token);
            PrintResult(status);
            return Text(status["status"]) == "completed";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AppHostException($"The demo's job has not ended after {Limit.TotalMinutes} minutes.");
        }
    }

    private async Task<string> SubmitAsync(CancellationToken cancellationToken)
    {
        var sample = Path.Combine(AppHostSettings.WorkflowsDirectory(configuration), "samples", WorkflowName + ".json");
        if (!File.Exists(sample))
        {
            throw new AppHostException($"The sample input {sample} is missing.");
        }

        var request = new JsonObject
        {
            ["workflow_name"] = WorkflowName,
            ["input_data"] = JsonNode.Parse(await File.ReadAllTextAsync(sample, cancellationToken)),
            ["user_id"] = Guid.CreateVersion7().ToString(),
            ["username"] = "demo",
            ["action"] = "demo",
        };
        if (watch.UrlOf("simulator") is { } simulator)
        {
            request["webhook_url"] = simulator + "/_control/webhooks/demo";
        }

        using var body = new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri("/api/v1/workflow", UriKind.Relative), body, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        return answer.IsSuccessStatusCode && Text(JsonNode.Parse(text)?["job_id"]) is { Length: > 0 } jobId
            ? jobId
            : throw new AppHostException($"The API did not take the job: {(int)answer.StatusCode} {text}");
    }

    private async Task<JsonNode> GetStatusAsync(string jobId, CancellationToken cancellationToken) =>
        await http.GetFromJsonAsync(new Uri($"/api/v1/status/{jobId}", UriKind.Relative), DemoJson.Default.JsonNode, cancellationToken)
        ?? throw new AppHostException($"The API has no status of job {jobId}.");

    private static void PrintResult(JsonNode status)
    {
        Console.WriteLine();
        if (Text(status["status"]) != "completed")
        {
            Console.WriteLine($"The job is {Text(status["status"])}: {Text(status["error_message"])}");
            Console.WriteLine(status["error"]?.ToJsonString() ?? "");
            return;
        }

        PrintList("Contacts", status["output"]?["contacts"]);
        PrintList("Meeting locations", status["output"]?["meeting_locations"]);
        var metadata = status["metadata"];
        Console.WriteLine($"  Duration  {Text(metadata?["duration_ms"] ?? status["duration_ms"])} ms");
        Console.WriteLine($"  Tokens    {Text(metadata?["total_tokens"])}");
        Console.WriteLine($"  Cost      {Text(metadata?["total_cost_usd"])} USD");
    }

    private static void PrintList(string title, JsonNode? list)
    {
        const int shown = 10;
        var items = list is JsonArray array ? array.ToList() : [];
        Console.WriteLine($"{title} ({items.Count})");
        foreach (var item in items.Take(shown))
        {
            Console.WriteLine("  - " + (item is JsonObject fields
                ? string.Join(", ", fields.Select(field => Text(field.Value)).Where(value => value.Length > 0))
                : Text(item)));
        }

        Console.WriteLine(items.Count > shown ? $"  … and {items.Count - shown} more\n" : "");
    }

    private static string Text(JsonNode? node) => node switch
    {
        null => "",
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        _ => node.ToJsonString(),
    };
}
