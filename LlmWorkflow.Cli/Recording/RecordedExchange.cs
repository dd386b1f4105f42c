using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Cli.Recording;

/// <summary>A file of <c>--record</c>: the HTTP calls of a run, without keys.</summary>
internal sealed record RecordingFile
{
    /// <summary>Version of this format.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Always <see cref="CurrentVersion"/>.</summary>
    public required int Version { get; init; }

    /// <summary>In the order in which the calls were made.</summary>
    public required IReadOnlyList<RecordedExchange> Exchanges { get; init; }
}

/// <summary>A request and its reply.</summary>
internal sealed record RecordedExchange
{
    /// <summary>Provider or service.</summary>
    public required string Upstream { get; init; }

    /// <summary>HTTP method.</summary>
    public required string Method { get; init; }

    /// <summary>Path and query below the upstream's base URL, without key parameters.</summary>
    public required string Path { get; init; }

    /// <summary>Lower-case hex SHA-256 of the request's body; empty without a body.</summary>
    public required string BodyHash { get; init; }

    /// <summary>The body, redacted, for the reader only; Undefined: none, or no JSON.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public JsonElement Request { get; init; }

    /// <summary>HTTP status of the reply.</summary>
    public required int Status { get; init; }

    /// <summary>Headers of the reply that matter: <c>Content-Type</c> and <c>Retry-After</c>.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>The reply's body when it is JSON; Undefined otherwise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public JsonElement Reply { get; init; }

    /// <summary>Any other body, in the pieces in which it came: a stream is replayed as it was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Chunks { get; init; }

    /// <summary>What a request is matched by.</summary>
    [JsonIgnore]
    public string Key => $"{Upstream} {Method} {Path} {BodyHash}";

    /// <summary>The body's pieces.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Body => Chunks ?? (Reply.ValueKind is JsonValueKind.Undefined ? [] : [Reply.GetRawText()]);

    /// <summary>The same with a body.</summary>
    public RecordedExchange WithBody(IReadOnlyList<string> chunks)
    {
        if (Headers.TryGetValue("Content-Type", out var type) && type.Split(';')[0].EndsWith("json", StringComparison.OrdinalIgnoreCase))
        {
            try
            {
                return this with { Reply = JsonElement.Parse(string.Concat(chunks)) };
            }
            catch (JsonException)
            {
                // Kept as it is: what the engine makes of it can be replayed.
            }
        }

        return this with { Chunks = chunks };
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip)]
[JsonSerializable(typeof(RecordingFile))]
internal sealed partial class RecordingJson : JsonSerializerContext;
