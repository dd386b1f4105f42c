using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Client;
using LlmWorkflow.Client.Contracts;
using Microsoft.Extensions.Configuration;

namespace LlmWorkflow.AppHost;

/// <summary>Submits the sample job the way an application would, shows its progress as it happens, then its result and what it cost.</summary>
internal sealed class Demo(HttpClient http, SystemWatch watch, IConfiguration configuration, TimeProvider time)
{
    private const string WorkflowName = "emergency_contacts";
    private const int ItemsShown = 10;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <returns>Whether the job completed.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            http.BaseAddress = new Uri(watch.UrlOf("api") ?? throw new AppHostException("The API has no address."));
            var client = new WorkflowClient(http, AppHostSettings.Given(configuration, "LLM_MICROSERVICE_API_KEY") ?? "dev-key", time);
            var started = time.GetTimestamp();
            var job = await client.SubmitAsync(await RequestAsync(limit.Token), cancellationToken: limit.Token);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"Submitted {WorkflowName} as job {job.JobId} in {time.GetElapsedTime(started).TotalMilliseconds:0} ms.\n"));

            var progress = new DemoProgress(time);
            await foreach (var told in client.StreamAsync(job.JobId, cancellationToken: limit.Token))
            {
                progress.Print(told);
            }

            var status = await client.GetStatusAsync(job.JobId, cancellationToken: limit.Token);
            PrintResult(status);
            return status.Status == "completed";
        }
        catch (WorkflowApiException e)
        {
            throw new AppHostException($"The API did not take the job: {(int)e.Status} {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AppHostException($"The demo's job has not ended after {Limit.TotalMinutes} minutes.");
        }
    }

    private async Task<SubmitRequest> RequestAsync(CancellationToken cancellationToken)
    {
        var sample = Path.Combine(AppHostSettings.WorkflowsDirectory(configuration), "samples", WorkflowName + ".json");
        if (!File.Exists(sample))
        {
            throw new AppHostException($"The sample input {sample} is missing.");
        }

        return new()
        {
            WorkflowName = WorkflowName,
            InputData = JsonElement.Parse(await File.ReadAllTextAsync(sample, cancellationToken)),
            UserId = Guid.CreateVersion7(),
            Username = "demo",
            Action = "demo",
            WebhookUrl = watch.UrlOf("simulator") is { } simulator ? simulator + "/_control/webhooks/demo" : null,
        };
    }

    private static void PrintResult(JobStatusResponse status)
    {
        Console.WriteLine();
        if (status.Status != "completed")
        {
            Console.WriteLine($"The job is {status.Status}: {status.ErrorMessage}");
            foreach (var suggestion in status.Error?.Details?.Suggestions ?? [])
            {
                Console.WriteLine($"  {suggestion}");
            }

            return;
        }

        PrintList("Contacts", "contacts", status.Output);
        PrintList("Meeting locations", "meeting_locations", status.Output);
        Console.WriteLine($"  Duration  {status.Metadata.DurationMs} ms");
        Console.WriteLine($"  Tokens    {status.Metadata.TotalTokens}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  Cost      {status.Metadata.TotalCostUsd} USD"));
    }

    private static void PrintList(string title, string name, JsonElement? output)
    {
        var items = output is { ValueKind: JsonValueKind.Object } fields && fields.TryGetProperty(name, out var list) && list.ValueKind is JsonValueKind.Array
            ? list.EnumerateArray().ToList()
            : [];
        Console.WriteLine($"{title} ({items.Count})");
        foreach (var item in items.Take(ItemsShown))
        {
            Console.WriteLine("  - " + (item.ValueKind is JsonValueKind.Object
                ? string.Join(", ", item.EnumerateObject().Select(field => field.Value.ToString()).Where(value => value.Length > 0))
                : item.ToString()));
        }

        Console.WriteLine(items.Count > ItemsShown ? $"  … and {items.Count - ItemsShown} more\n" : "");
    }
}
