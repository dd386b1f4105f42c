using System.Text;
using System.Text.Json;
using LlmWorkflow.Simulator.Control;

namespace LlmWorkflow.Simulator.Webhooks;

internal static class WebhookInboxEndpoints
{
    private const string Route = "/_control/webhooks/{name}";

    public static void MapWebhookInboxes(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(Route, ReceiveAsync);
        routes.MapPut(Route, ConfigureAsync);
        routes.MapGet(Route, (string name, WebhookInboxes inboxes) => TypedResults.Json(inboxes.Read(name), SimulatorJson.Wire.InboxView));
        routes.MapDelete(Route, (string name, WebhookInboxes inboxes) =>
        {
            inboxes.Remove(name);
            return TypedResults.NoContent();
        });
    }

    private static async Task<IResult> ReceiveAsync(
        string name, HttpRequest request, WebhookInboxes inboxes, TimeProvider time, CancellationToken cancellation)
    {
        var at = time.GetUtcNow();
        using var reader = new StreamReader(request.Body, new UTF8Encoding(false), detectEncodingFromByteOrderMarks: false);
        var body = await reader.ReadToEndAsync(cancellation);
        var headers = request.Headers.ToDictionary(
            header => header.Key.ToLowerInvariant(), header => header.Value.ToString(), StringComparer.Ordinal);

        var (status, delay) = inboxes[name].Receive(at, headers, body);
        await Task.Delay(delay, time, cancellation);
        return TypedResults.StatusCode(status);
    }

    private static async Task<IResult> ConfigureAsync(
        string name, HttpRequest request, WebhookInboxes inboxes, CancellationToken cancellation)
    {
        InboxSettings? settings;
        try
        {
            settings = await JsonSerializer.DeserializeAsync(request.Body, SimulatorJson.Strict.InboxSettings, cancellation);
        }
        catch (JsonException malformed)
        {
            return BehaviorEndpoints.Refuse([$"The body must be {{\"statuses\": [codes], \"delay_ms\": number}}: {malformed.Message}"]);
        }

        if (settings is not { Statuses: not null, DelayMs: >= 0 } || settings.Statuses.Any(status => status is < 200 or > 599))
        {
            return BehaviorEndpoints.Refuse(["'statuses' must be codes from 200 to 599, and 'delay_ms' must not be negative."]);
        }

        inboxes[name].Configure(settings);
        return TypedResults.NoContent();
    }
}
