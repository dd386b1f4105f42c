using System.Globalization;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace LlmWorkflow.AppHost;

/// <summary>Prints a job's events as they come, over however many connections that takes.</summary>
internal sealed class DemoProgress(HttpClient http, TimeProvider time)
{
    private const string Dim = "\e[2m";
    private const string Plain = "\e[0m";
    private static readonly TimeSpan ReconnectDelay = TimeSpan.FromSeconds(1);
    private readonly bool terminal = !Console.IsOutputRedirected;
    private int streamed;
    private bool counting;

    /// <summary>Returns after the job's last event.</summary>
    public async Task FollowAsync(string jobId, CancellationToken cancellationToken)
    {
        string? lastId = null;
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"/api/v1/jobs/{jobId}/events", UriKind.Relative));
                request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
                if (lastId is not null)
                {
                    request.Headers.Add("Last-Event-ID", lastId);
                }

                using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
                answer.EnsureSuccessStatusCode();
                await using var stream = await answer.Content.ReadAsStreamAsync(cancellationToken);
                var parser = SseParser.Create(stream);
                await foreach (var item in parser.EnumerateAsync(cancellationToken))
                {
                    Print(item);
                    if (item.EventType is "job.completed" or "job.failed" or "job.cancelled")
                    {
                        return;
                    }

                    lastId = parser.LastEventId is { Length: > 0 } id ? id : lastId;
                }
            }
            catch (Exception exception) when (exception is IOException or HttpRequestException { StatusCode: null })
            {
                // The connection broke; the job goes on, and so does its list of events.
            }

            await Task.Delay(ReconnectDelay, time, cancellationToken);
        }
    }

    private void Print(SseItem<string> item)
    {
        var data = Parse(item.Data);
        if (item.EventType is "llm.delta" or "llm.snapshot")
        {
            Count(item.EventType == "llm.snapshot" ? 0 : streamed, Text(data, "text"));
            return;
        }

        if (item.EventType == "llm.reset")
        {
            streamed = 0;
            return;
        }

        if (!item.EventType.StartsWith("job.", StringComparison.Ordinal) && !item.EventType.StartsWith("step.", StringComparison.Ordinal))
        {
            return;
        }

        EndCount();
        var name = Text(data, "display_name") is { Length: > 0 } display ? display : Text(data, "step_id");
        var duration = Text(data, "duration_ms") is { Length: > 0 } milliseconds ? $"  {milliseconds} ms" : "";
        var error = Text(data, "error_message") is { Length: > 0 } message ? $"  {message}" : "";
        Console.WriteLine($"  {time.GetLocalNow():HH:mm:ss.fff}  {item.EventType,-16} {name}{duration}{error}");
    }

    // A running count instead of the text itself: the text may be long, and the result follows.
    private void Count(int before, string text)
    {
        streamed = before + text.Length;
        if (terminal)
        {
            counting = true;
            Console.Write(string.Create(CultureInfo.InvariantCulture, $"\r  {Dim}{streamed} characters streamed{Plain}"));
        }
    }

    private void EndCount()
    {
        if (counting)
        {
            Console.WriteLine();
        }
        else if (streamed > 0)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {streamed} characters streamed"));
        }

        counting = false;
        streamed = 0;
    }

    private static JsonObject? Parse(string data)
    {
        try
        {
            return JsonNode.Parse(data) as JsonObject;
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    private static string Text(JsonObject? data, string name) => data?[name]?.ToString() ?? "";
}

[JsonSerializable(typeof(JsonNode))]
internal sealed partial class DemoJson : JsonSerializerContext;
