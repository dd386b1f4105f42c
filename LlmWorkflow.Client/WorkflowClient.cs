using System.Globalization;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LlmWorkflow.Client.Contracts;

namespace LlmWorkflow.Client;

/// <summary>Typed client of the API. Thread-safe. Requests other than the event stream are sent once: retries are the caller's, with an idempotency key.</summary>
/// <param name="http">With the service's base address; not disposed.</param>
/// <param name="apiKey">Sent as <c>X-API-Key</c>; null when <paramref name="http"/> sends one by itself.</param>
/// <param name="time">For the pauses between reconnects; the system's by default.</param>
public sealed class WorkflowClient(HttpClient http, string? apiKey = null, TimeProvider? time = null)
{
    // The service says something every 15 s; three silent intervals mean that the connection is dead.
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Submits a job. With <paramref name="idempotencyKey"/> (at most 255 printable characters) a repeated call gives the first answer.</summary>
    /// <exception cref="WorkflowApiException">The service refused it; nothing is stored.</exception>
    public async Task<SubmitResponse> SubmitAsync(SubmitRequest request, string? idempotencyKey = null, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Post, "api/v1/jobs");
        message.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request, WorkflowJson.Default.SubmitRequest));
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (idempotencyKey is not null)
        {
            message.Headers.Add("Idempotency-Key", idempotencyKey);
        }

        return await SendAsync(message, WorkflowJson.Default.SubmitResponse, cancellationToken);
    }

    /// <summary>The job as it is now. With <paramref name="userId"/>, another user's job is not found.</summary>
    /// <exception cref="WorkflowApiException">404: no such job.</exception>
    public async Task<JobStatusResponse> GetStatusAsync(Guid jobId, Guid? userId = null, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Get, $"api/v1/jobs/{jobId}{(userId is { } user ? $"?user_id={user}" : "")}");
        return await SendAsync(message, WorkflowJson.Default.JobStatusResponse, cancellationToken);
    }

    /// <summary>Cancels the job; one that has ended stays as it is.</summary>
    /// <exception cref="WorkflowApiException">404: no such job.</exception>
    public async Task<CancelResponse> CancelAsync(Guid jobId, Guid? userId = null, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Post, $"api/v1/jobs/{jobId}/cancel{(userId is { } user ? $"?user_id={user}" : "")}");
        return await SendAsync(message, WorkflowJson.Default.CancelResponse, cancellationToken);
    }

    /// <summary>Raises the cap on a job's cost; a job that waits for it goes on.</summary>
    /// <exception cref="WorkflowApiException">404: no such job. 409: it has ended, or has no such cap below the new one.</exception>
    public async Task<BudgetResponse> IncreaseBudgetAsync(Guid jobId, BudgetRequest request, Guid? userId = null, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Post, $"api/v1/jobs/{jobId}/budget{(userId is { } user ? $"?user_id={user}" : "")}");
        message.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request, WorkflowJson.Default.BudgetRequest));
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await SendAsync(message, WorkflowJson.Default.BudgetResponse, cancellationToken);
    }

    /// <summary>Sends a signal, which an <c>approval</c> step waits for or will wait for.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="signal">Name of the signal.</param>
    /// <param name="payload">The step's output; null: JSON null.</param>
    /// <param name="userId">Another user's job is not found.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="WorkflowApiException">404: no such job. 409: it has ended, or the signal was sent with another payload.</exception>
    public async Task<SignalResponse> SignalAsync(
        Guid jobId, string signal, JsonElement? payload = null, Guid? userId = null, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Post, $"api/v1/jobs/{jobId}/signals/{Uri.EscapeDataString(signal)}{(userId is { } user ? $"?user_id={user}" : "")}");
        if (payload is { } value)
        {
            message.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(value, WorkflowJson.Default.JsonElement));
            message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        return await SendAsync(message, WorkflowJson.Default.SignalResponse, cancellationToken);
    }

    /// <summary>
    /// The job's events until its end. A connection that breaks is made again and goes on after the last durable event, so each of those comes once;
    /// streamed text then starts anew with <c>llm.snapshot</c>.
    /// </summary>
    /// <param name="jobId">The job.</param>
    /// <param name="afterSequence">Leaves out durable events up to this one.</param>
    /// <param name="cancellationToken">Ends the stream.</param>
    /// <exception cref="WorkflowApiException">The service refused it (404, 401…). Server errors are retried.</exception>
    public async IAsyncEnumerable<JobEvent> StreamAsync(
        Guid jobId, long afterSequence = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var last = afterSequence;
        var pause = FirstPause;
        while (true)
        {
            await using var connection = await ConnectAsync(jobId, last, cancellationToken);
            if (connection?.Events is { } events)
            {
                while (await NextAsync(events, cancellationToken) is { } found)
                {
                    pause = FirstPause;
                    last = found.Sequence ?? last;
                    yield return found;
                    if (found.IsFinal)
                    {
                        yield break;
                    }
                }
            }
            else if (connection is { IsOver: true })
            {
                yield break;
            }

            await Task.Delay(pause, _time, cancellationToken);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Waits until the job has ended, and gives its last status.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="progress">Told each event.</param>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    /// <exception cref="WorkflowApiException">No such job.</exception>
    public async Task<JobStatusResponse> WaitAsync(Guid jobId, IProgress<JobEvent>? progress = null, CancellationToken cancellationToken = default)
    {
        await foreach (var told in StreamAsync(jobId, cancellationToken: cancellationToken))
        {
            progress?.Report(told);
        }

        return await GetStatusAsync(jobId, cancellationToken: cancellationToken);
    }

    /// <summary>Validates and plans a run: nothing is stored, and nobody is called. What is wrong with definition or input is in the answer.</summary>
    /// <exception cref="WorkflowApiException">400: malformed; 404: no workflow of that name.</exception>
    public async Task<ValidateResponse> ValidateAsync(ValidateRequest request, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Post, "api/v1/workflow/validate");
        message.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request, WorkflowJson.Default.ValidateRequest));
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await SendAsync(message, WorkflowJson.Default.ValidateResponse, cancellationToken);
    }

    /// <summary>All workflows of the service, broken ones too.</summary>
    public async Task<WorkflowListResponse> GetWorkflowsAsync(CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Get, "api/v1/workflows");
        return await SendAsync(message, WorkflowJson.Default.WorkflowListResponse, cancellationToken);
    }

    /// <summary>A workflow with its definition.</summary>
    /// <exception cref="WorkflowApiException">404: no workflow of that name.</exception>
    public async Task<WorkflowResponse> GetWorkflowAsync(string name, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Get, $"api/v1/workflows/{Uri.EscapeDataString(name)}");
        return await SendAsync(message, WorkflowJson.Default.WorkflowResponse, cancellationToken);
    }

    /// <summary>A workflow as a Mermaid flowchart.</summary>
    /// <exception cref="WorkflowApiException">404: no workflow of that name.</exception>
    public async Task<string> GetDiagramAsync(string name, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Get, $"api/v1/workflows/{Uri.EscapeDataString(name)}/diagram");
        using var response = await http.SendAsync(message, cancellationToken);
        return response.IsSuccessStatusCode ? await response.Content.ReadAsStringAsync(cancellationToken) : throw await FailureAsync(response, cancellationToken);
    }

    /// <summary>What calls of models used and cost.</summary>
    /// <exception cref="WorkflowApiException">400: a wrong grouping or time.</exception>
    public async Task<UsageResponse> GetUsageAsync(UsageRequest? request = null, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Get, $"api/v1/usage{Query(request, null)}");
        return await SendAsync(message, WorkflowJson.Default.UsageResponse, cancellationToken);
    }

    /// <summary>Calls whose computed cost differs from the reported one by more than 1 %, newest first. The grouping does not matter.</summary>
    /// <param name="request">Which calls.</param>
    /// <param name="limit">1 to 1,000; the service's default is 100.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="WorkflowApiException">400: a wrong time or limit.</exception>
    public async Task<DriftResponse> GetUsageDriftAsync(UsageRequest? request = null, int? limit = null, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Get, $"api/v1/usage/drift{Query(request is null ? null : request with { GroupBy = null }, limit)}");
        return await SendAsync(message, WorkflowJson.Default.DriftResponse, cancellationToken);
    }

    /// <summary>What the cache of external services holds, and what became of requests. Counts arrive within 5 s.</summary>
    /// <param name="service">Only this service; null: all.</param>
    /// <param name="operation">Only this operation of it; null: all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="WorkflowApiException">400: an operation without a service; 404: no such service or operation.</exception>
    public async Task<CacheStatsResponse> GetCacheStatsAsync(string? service = null, string? operation = null, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Get, $"api/v1/cache/stats{Query(("service", service), ("operation", operation))}");
        return await SendAsync(message, WorkflowJson.Default.CacheStatsResponse, cancellationToken);
    }

    /// <summary>Deletes kept replies of external services; without a service or key, all of them. Needs an admin key.</summary>
    /// <param name="service">Only of this service.</param>
    /// <param name="operation">Only of this operation of it.</param>
    /// <param name="key">Only this one: <c>service:operation:hash</c>.</param>
    /// <param name="cancellationToken">Gives up; what is deleted by then stays so.</param>
    /// <exception cref="WorkflowApiException">400: an operation without a service, or a malformed key; 403: no admin key; 404: no such service or operation.</exception>
    public async Task<CacheClearResponse> ClearCacheAsync(
        string? service = null, string? operation = null, string? key = null, CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Delete, $"api/v1/cache{Query(("service", service), ("operation", operation), ("key", key))}");
        return await SendAsync(message, WorkflowJson.Default.CacheClearResponse, cancellationToken);
    }

    /// <summary>How the service is; needs no key.</summary>
    public async Task<HealthResponse> GetHealthAsync(CancellationToken cancellationToken = default)
    {
        using var message = Message(HttpMethod.Get, "health");
        using var response = await http.SendAsync(message, cancellationToken);
        // 503 carries the same document.
        return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(cancellationToken), WorkflowJson.Default.HealthResponse)
            ?? throw await FailureAsync(response, cancellationToken);
    }

    private static string Query(UsageRequest? request, int? limit)
    {
        return Query(
            ("group_by", request?.GroupBy is { } keys ? string.Join(',', keys) : null), ("from", Time(request?.From)), ("to", Time(request?.To)),
            ("user_id", request?.UserId?.ToString()), ("workflow_name", request?.WorkflowName), ("limit", limit?.ToString(CultureInfo.InvariantCulture)));

        static string? Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", CultureInfo.InvariantCulture);
    }

    private static string Query(params (string Name, string? Value)[] parameters)
    {
        var given = parameters.Where(parameter => parameter.Value is not null).Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value!)}").ToList();
        return given.Count == 0 ? "" : $"?{string.Join('&', given)}";
    }

    private HttpRequestMessage Message(HttpMethod method, string path)
    {
        var message = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (apiKey is not null)
        {
            message.Headers.Add("X-API-Key", apiKey);
        }

        return message;
    }

    private async Task<T> SendAsync<T>(HttpRequestMessage message, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var response = await http.SendAsync(message, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw await FailureAsync(response, cancellationToken);
        }

        return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(cancellationToken), type)
            ?? throw new WorkflowApiException(response.StatusCode, null, null);
    }

    // Null: try again later.
    private async Task<Connection?> ConnectAsync(Guid jobId, long after, CancellationToken cancellationToken)
    {
        using var message = Message(HttpMethod.Get, $"api/v1/jobs/{jobId}/events");
        message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (after > 0)
        {
            message.Headers.Add("Last-Event-ID", after.ToString(CultureInfo.InvariantCulture));
        }

        try
        {
            var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.StatusCode is System.Net.HttpStatusCode.NoContent)
            {
                response.Dispose();
                return new Connection(null, null);
            }

            if (response.IsSuccessStatusCode)
            {
                var body = new SilenceLimit(await response.Content.ReadAsStreamAsync(cancellationToken), LongestSilence, _time);
                var parser = SseParser.Create(body, static (_, data) => JsonSerializer.Deserialize(data, WorkflowJson.Default.JobEvent));
                return new Connection(response, parser.EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken));
            }

            using (response)
            {
                var failure = await FailureAsync(response, cancellationToken);
                return failure.Retryable ? null : throw failure;
            }
        }
        catch (Exception e) when (IsBroken(e, cancellationToken))
        {
            return null;
        }
    }

    // Null: the connection has ended.
    private static async Task<JobEvent?> NextAsync(IAsyncEnumerator<SseItem<JobEvent?>> events, CancellationToken cancellationToken)
    {
        try
        {
            while (await events.MoveNextAsync())
            {
                if (events.Current.Data is { } found)
                {
                    return found;
                }
            }

            return null;
        }
        catch (Exception e) when (IsBroken(e, cancellationToken))
        {
            return null;
        }
    }

    private static bool IsBroken(Exception exception, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested && exception is HttpRequestException or IOException or OperationCanceledException;

    private static async Task<WorkflowApiException> FailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        ProblemResponse? problem = null;
        try
        {
            problem = JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(cancellationToken), WorkflowJson.Default.ProblemResponse);
        }
        catch (JsonException)
        {
            // Somebody else's answer: a proxy's, for example.
        }

        return new(response.StatusCode, problem, response.Headers.RetryAfter?.Delta);
    }

    /// <summary>An open event stream; without events it is over for good.</summary>
    private sealed class Connection(HttpResponseMessage? response, IAsyncEnumerator<SseItem<JobEvent?>>? events) : IAsyncDisposable
    {
        public IAsyncEnumerator<SseItem<JobEvent?>>? Events { get; } = events;

        public bool IsOver => Events is null;

        public async ValueTask DisposeAsync()
        {
            if (Events is not null)
            {
                await Events.DisposeAsync();
            }

            response?.Dispose();
        }
    }
}
