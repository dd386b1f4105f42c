using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Simulator;
using Microsoft.AspNetCore.Builder;

namespace LlmWorkflow.Tests.Simulator;

/// <summary>A simulator in this process, over real HTTP on a free port; one per test.</summary>
public abstract class SimulatorServer : IAsyncLifetime
{
    protected const string Chat = "/openrouter/api/v1/chat/completions";
    protected const string Nearby = "/places/v1/places:searchNearby";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private WebApplication? app;

    protected HttpClient Http { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        app = SimulatorHost.Create("--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "Warning");
        await app.StartAsync();
        // By default a reply that is given up is read on for up to 2 s, to save the connection.
        var handler = new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero };
        Http = new HttpClient(handler, disposeHandler: true) { BaseAddress = new Uri(app.Urls.Single()) };
    }

    public async Task DisposeAsync()
    {
        Http.Dispose();
        await app!.StopAsync();
        await app.DisposeAsync();
    }

    protected static HttpRequestMessage ChatRequest(string body, string? token = "test") =>
        new(HttpMethod.Post, Chat)
        {
            Content = Json(body),
            Headers = { Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token) },
        };

    protected static string ChatBody(string prompt, bool stream = false, string model = "openai/gpt-4o", int? maxTokens = null) =>
        JsonSerializer.Serialize(new Dictionary<string, object?>
        {
            ["model"] = model,
            ["stream"] = stream,
            ["max_tokens"] = maxTokens,
            ["messages"] = new[] { new Dictionary<string, string> { ["role"] = "user", ["content"] = prompt } },
        });

    protected async Task<(HttpResponseMessage Response, JsonElement Body)> SendChatAsync(string body, string? token = "test")
    {
        using var request = ChatRequest(body, token);
        var response = await Http.SendAsync(request);
        return (response, Parse(await response.Content.ReadAsStringAsync()));
    }

    protected async Task<Stream> OpenStreamAsync(string body)
    {
        using var request = ChatRequest(body);
        var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return await response.Content.ReadAsStreamAsync();
    }

    /// <summary>The data of each event; comments are left out.</summary>
    protected static IEnumerable<string> Events(string sse) => sse.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
        .Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line["data: ".Length..]);

    protected static string ContentOf(IEnumerable<string> events) => string.Concat(events
        .Where(data => data != "[DONE]")
        .Select(data => Parse(data).GetProperty("choices")[0].GetProperty("delta").GetProperty("content").GetString()));

    protected async Task BehaveAsync(string behavior)
    {
        var response = await Http.PutAsync("/_control/behavior", Json(behavior));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    protected async Task<JsonElement[]> LedgerAsync() =>
        [.. Parse(await Http.GetStringAsync("/_control/ledger")).GetProperty("calls").EnumerateArray()];

    /// <summary>The only call, as soon as it is in the ledger.</summary>
    protected async Task<JsonElement> OnlyCallAsync()
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (true)
        {
            if (await LedgerAsync() is [var call])
            {
                return call;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, deadline.Token);
        }
    }

    /// <summary>The held calls, as soon as there are so many.</summary>
    protected async Task<JsonElement[]> HeldAsync(int count, string? id = null)
    {
        var view = Parse(await Http.GetStringAsync($"/_control/holds?count={count}&timeout_ms={Patience.TotalMilliseconds}{(id is null ? "" : "&id=" + id)}"));
        Assert.True(view.GetProperty("reached").GetBoolean());
        return [.. view.GetProperty("held").EnumerateArray()];
    }

    protected static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    protected static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
