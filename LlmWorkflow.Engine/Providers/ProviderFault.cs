using System.Globalization;
using System.Text.Json;

namespace LlmWorkflow.Engine.Providers;

/// <summary>An error as a provider worded it.</summary>
/// <param name="Code">HTTP status, or the code in the error object that came with HTTP 200 or in mid-stream; null when there is none.</param>
/// <param name="Kinds">Its names for the error, the most exact first: OpenRouter's <c>error_type</c>, <c>code</c> and <c>type</c> of OpenAI's form, <c>error_code</c> and <c>type</c> of Anthropic's.</param>
/// <param name="Message">The provider's words; sanitised by <see cref="ProviderErrors"/>.</param>
internal sealed record ProviderFault(int? Code, IReadOnlyList<string> Kinds, string? Message)
{
    /// <summary>The error names what a moderation filter flagged.</summary>
    public bool Moderated { get; init; }

    /// <summary>Seconds that the provider asks to wait; null when it does not.</summary>
    public double? RetryAfter { get; init; }

    /// <summary>False: the provider says that a retry is in vain.</summary>
    public bool MayRetry { get; init; } = true;

    /// <summary>The provider's id of the request, for its support; null when it gave none.</summary>
    public string? RequestId { get; init; }

    /// <summary>Headers of the host behind a router, which come inside the error object.</summary>
    public IReadOnlyDictionary<string, string> UpstreamHeaders { get; init; } = new Dictionary<string, string>();

    /// <summary>The fault of a refused request. A body that cannot be read leaves the status, which says enough.</summary>
    public static ProviderFault OfBody(ReadOnlySpan<byte> body, int status)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            var root = JsonElement.ParseValue(ref reader);
            // {"error": …} nearly everywhere; {"message": …} at older vLLM, {"detail": …} at servers built on FastAPI.
            var error = Member(root, "error") is { ValueKind: JsonValueKind.Object or JsonValueKind.String } inner ? inner : root;
            return OfError(error, status) with { RequestId = Text(root, "request_id") };
        }
        catch (JsonException)
        {
            return new ProviderFault(status, [], null);
        }
    }

    /// <summary>The fault of an error object, or of the bare text that some servers send.</summary>
    /// <param name="error">The value of <c>error</c>.</param>
    /// <param name="status">The HTTP status when the whole answer is an error; null when the error came with HTTP 200.</param>
    public static ProviderFault OfError(JsonElement error, int? status)
    {
        if (error.ValueKind is JsonValueKind.String)
        {
            return new ProviderFault(status, [], error.GetString());
        }

        var (metadata, code) = (Member(error, "metadata"), Member(error, "code"));
        var number = code.ValueKind switch
        {
            JsonValueKind.Number when code.TryGetInt32(out var value) => value,
            JsonValueKind.String when int.TryParse(code.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var value) => value,
            _ => (int?)null,
        };
        string?[] kinds =
        [
            Text(metadata, "error_type"), Text(Member(error, "details"), "error_code"), number is null ? Text(error, "code") : null,
            // Azure's: what exactly its filter found.
            Text(Member(error, "innererror"), "code"), Text(error, "type"),
        ];
        return new ProviderFault(number ?? status, [.. kinds.OfType<string>()], Text(error, "message") ?? Text(error, "detail"))
        {
            Moderated = Member(metadata, "flagged_input").ValueKind is not JsonValueKind.Undefined || Member(metadata, "reasons").ValueKind is not JsonValueKind.Undefined,
            UpstreamHeaders = Headers(Member(metadata, "headers")),
        };
    }

    private static Dictionary<string, string> Headers(JsonElement headers)
    {
        var found = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var header in headers.ValueKind is JsonValueKind.Object ? headers.EnumerateObject() : default)
        {
            found[header.Name] = header.Value.ToString();
        }

        return found;
    }

    private static JsonElement Member(JsonElement value, string name) =>
        value.ValueKind is JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : default;

    private static string? Text(JsonElement value, string name) => Member(value, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
