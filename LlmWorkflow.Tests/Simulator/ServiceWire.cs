using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

/// <summary>Calls to the simulated services as their own callers would send them.</summary>
public abstract class ServiceWire : SimulatorServer
{
    protected const string Key = "a-key-nobody-may-see";

    protected static HttpRequestMessage Places(HttpMethod method, string path, string? body = null, string? mask = "places.id,nextPageToken", string? key = Key)
    {
        var request = new HttpRequestMessage(method, $"/places/v1/{path}") { Content = body is null ? null : Json(body) };
        request.Headers.TryAddWithoutValidation("X-Goog-Api-Key", key);
        request.Headers.TryAddWithoutValidation("X-Goog-FieldMask", mask);
        return request;
    }

    protected static HttpRequestMessage Weather(string pathAndQuery, string? key = Key) =>
        new(HttpMethod.Get, $"/weatherapi/v1/{pathAndQuery}{(key is null ? "" : (pathAndQuery.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "key=" + key)}");

    protected static HttpRequestMessage Example(HttpMethod method, string path, string? body = null, string? key = Key) => new(method, $"/example/v1/{path}")
    {
        Content = body is null ? null : Json(body), Headers = { Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key) },
    };

    protected async Task<(HttpStatusCode Status, JsonElement Body)> AskAsync(HttpRequestMessage request)
    {
        using (request)
        {
            using var response = await Http.SendAsync(request);
            return (response.StatusCode, Parse(await response.Content.ReadAsStringAsync()));
        }
    }

    protected async Task<JsonElement> ReadAsync(HttpRequestMessage request)
    {
        var (status, body) = await AskAsync(request);
        Assert.True((int)status is 200 or 201, $"{status}: {body}");
        return body;
    }
}
