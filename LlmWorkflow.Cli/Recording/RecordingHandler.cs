using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Cli.Running;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Cli.Recording;

/// <summary>Stands between the engine and its upstreams: gives known replies back, and keeps new ones.</summary>
/// <param name="recording">Shared by all clients.</param>
/// <param name="upstreams">Tells whose call it is, and which texts are keys.</param>
internal sealed class RecordingHandler(CallRecording recording, UpstreamSettings upstreams) : DelegatingHandler
{
    private static readonly string[] KeptHeaders = ["Content-Type", "Retry-After"];

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var body = request.Content is { } content ? await content.ReadAsByteArrayAsync(cancellationToken) : [];
        var (upstream, path) = upstreams.Locate(request.RequestUri!);
        var asked = new RecordedExchange
        {
            Upstream = upstream,
            Method = request.Method.Method,
            Path = WithoutKeys(path),
            BodyHash = body.Length == 0 ? "" : Convert.ToHexStringLower(SHA256.HashData(body)),
            Request = Readable(body),
            Status = 0,
            Headers = new Dictionary<string, string>(),
        };
        if (recording.TryTake(asked.Key, out var known))
        {
            return ToResponse(known, request);
        }

        if (!recording.Calls)
        {
            throw Miss(asked);
        }

        var number = recording.Records ? recording.Reserve() : -1;
        var response = await base.SendAsync(request, cancellationToken);
        return recording.Records ? await KeepAsync(response, number, asked, cancellationToken) : response;
    }

    private static HttpResponseMessage ToResponse(RecordedExchange known, HttpRequestMessage request)
    {
        var response = new HttpResponseMessage((HttpStatusCode)known.Status) { RequestMessage = request, Content = new StreamContent(new ChunkStream(known.Body)) };
        foreach (var (name, value) in known.Headers)
        {
            if (!response.Headers.TryAddWithoutValidation(name, value))
            {
                response.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return response;
    }

    private static WorkflowException Miss(RecordedExchange asked) => new(new WorkflowError
    {
        Type = "NotRecorded",
        Category = ErrorCategory.Config,
        Message = $"The recording has no reply for {asked.Method} {asked.Path} of {asked.Upstream} (body {(asked.BodyHash.Length > 0 ? asked.BodyHash[..12] + "…" : "empty")}).",
        Details = new() { Service = asked.Upstream, Suggestions = ["Run once with --record, or with --record and --replay of the same file to add what is missing."] },
    });

    private async Task<HttpResponseMessage> KeepAsync(HttpResponseMessage response, int number, RecordedExchange asked, CancellationToken cancellationToken)
    {
        var original = response.Content;
        var headers = KeptHeaders
            .Select(name => (Name: name, Value: response.Headers.TryGetValues(name, out var own) || original.Headers.TryGetValues(name, out own) ? string.Join(", ", own) : null))
            .Where(header => header.Value is not null)
            .ToDictionary(header => header.Name, header => header.Value!);
        var answered = asked with { Status = (int)response.StatusCode, Headers = headers };
        var source = await original.ReadAsStreamAsync(cancellationToken);
        var kept = new StreamContent(new CopyingStream(source, chunks => recording.Keep(number, answered.WithBody([.. chunks.Select(WithoutSecrets)]))));
        foreach (var header in original.Headers)
        {
            kept.Headers.TryAddWithoutValidation(header.Key, header.Value);
        }

        response.Content = kept;
        return response;
    }

    // Only what is known to be a key: a guess would change what the model said.
    private string WithoutSecrets(string text) =>
        upstreams.Secrets.Aggregate(text, (left, secret) => left.Replace(secret, Redactor.Redacted, StringComparison.Ordinal));

    // A query parameter that holds a key is no part of what is asked.
    private string WithoutKeys(string path)
    {
        var mark = path.IndexOf('?', StringComparison.Ordinal);
        if (mark < 0)
        {
            return path;
        }

        var kept = path[(mark + 1)..].Split('&').Where(pair => pair.Split('=', 2) is var parts && !Redactor.IsSecretName(Uri.UnescapeDataString(parts[0]))
            && !(parts.Length > 1 && upstreams.Secrets.Any(secret => Uri.UnescapeDataString(parts[1]).Contains(secret, StringComparison.Ordinal))));
        return string.Join('?', [path[..mark], .. new[] { string.Join('&', kept) }.Where(query => query.Length > 0)]);
    }

    private JsonElement Readable(byte[] body)
    {
        if (body.Length == 0 || !recording.Records)
        {
            return default;
        }

        try
        {
            return JsonElement.Parse(Redactor.Secrets(Encoding.UTF8.GetString(body), [.. upstreams.Secrets]));
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
