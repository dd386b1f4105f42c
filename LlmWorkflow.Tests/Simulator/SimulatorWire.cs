using System.Net.Http.Headers;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

/// <summary>Calls to the simulated providers as their own client libraries would send them.</summary>
public abstract class SimulatorWire : SimulatorServer
{
    protected const string OpenAi = "/openai/v1/chat/completions";
    protected const string Anthropic = "/anthropic/v1/messages";

    protected static HttpRequestMessage OpenAiRequest(string body, string? key = "sk-test") => new(HttpMethod.Post, OpenAi)
    {
        Content = Json(body),
        Headers = { Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key) },
    };

    protected static HttpRequestMessage AnthropicRequest(string body, string? key = "sk-ant-test", string? version = "2023-06-01")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Anthropic) { Content = Json(body) };
        foreach (var (name, value) in new[] { ("x-api-key", key), ("anthropic-version", version) })
        {
            if (value is not null)
            {
                request.Headers.Add(name, value);
            }
        }

        return request;
    }

    protected static string OpenAiBody(string prompt = "Hi", string model = "gpt-4o", string more = "") =>
        $$"""{"model":"{{model}}","messages":[{"role":"user","content":{{JsonSerializer.Serialize(prompt)}}}]{{more}}}""";

    protected static string AnthropicBody(string prompt = "Hi", string model = "claude-sonnet-5-5", string more = "") =>
        $$"""{"model":"{{model}}","max_tokens":1000,"messages":[{"role":"user","content":{{JsonSerializer.Serialize(prompt)}}}]{{more}}}""";

    protected async Task<(HttpResponseMessage Response, string Text)> SendTextAsync(HttpRequestMessage request)
    {
        using (request)
        {
            var response = await Http.SendAsync(request);
            return (response, await response.Content.ReadAsStringAsync());
        }
    }

    protected async Task<(HttpResponseMessage Response, JsonElement Body)> SendAsync(HttpRequestMessage request)
    {
        var (response, text) = await SendTextAsync(request);
        return (response, Parse(text));
    }

    protected static string Header(HttpResponseMessage response, string name) => response.Headers.GetValues(name).Single();
}
