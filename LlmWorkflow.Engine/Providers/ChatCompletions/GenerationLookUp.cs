using System.Net.Http.Headers;
using System.Text.Json;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Engine.Providers.ChatCompletions;

/// <summary>Asks OpenRouter what a call cost: <c>GET {base}/generation?id=</c>, which answers for cancelled and half-read streams too.</summary>
internal sealed class GenerationLookUp(ChatCompletionsDialect dialect, IHttpClientFactory clients, TimeProvider time)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    /// <summary>What it cost; null while OpenRouter does not know (a call's record takes a while to appear), and when it cannot be asked.</summary>
    /// <param name="id">Of the reply, <c>gen-…</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">Cancelled by the caller; the time limit of 10 s is a null.</exception>
    public async Task<UsageReport?> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (dialect.Key() is not { Length: > 0 } key)
        {
            return null;
        }

        using var limit = new CancellationTokenSource(s_limit, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        using var request = new HttpRequestMessage(
            HttpMethod.Get, new Uri($"{dialect.BaseUrl().AbsoluteUri.TrimEnd('/')}/generation?id={Uri.EscapeDataString(id)}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        try
        {
            using var response = await clients.CreateClient(ProviderRegistrations.HttpClientName).SendAsync(request, stop.Token);
            return response.IsSuccessStatusCode ? UsageReader.Read(JsonElement.Parse(await response.Content.ReadAsByteArrayAsync(stop.Token))) : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }
}
