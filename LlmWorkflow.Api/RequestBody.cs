using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Unicode;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Api;

/// <summary>Reads a JSON body, once, within the limits.</summary>
internal static class RequestBody
{
    /// <summary>Bytes; 1 MiB.</summary>
    public const int Limit = 1024 * 1024;

    /// <summary>Nesting of objects and arrays.</summary>
    public const int Depth = 64;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = Depth, AllowDuplicateProperties = false };

    /// <summary>The body, or what is wrong with it.</summary>
    public static async ValueTask<(JsonElement Body, bool HasEscapes, WorkflowError? Error)> ReadAsync(HttpContext context)
    {
        var request = context.Request;
        if (!IsJson(request.ContentType))
        {
            return (default, false, ApiErrors.MediaType(request.ContentType));
        }

        if (request.ContentLength > Limit)
        {
            return (default, false, ApiErrors.TooLarge);
        }

        var reader = request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            var buffer = read.Buffer;
            if (buffer.Length > Limit)
            {
                reader.AdvanceTo(buffer.End);
                return (default, false, ApiErrors.TooLarge);
            }

            if (read.IsCompleted)
            {
                var result = buffer.IsSingleSegment ? Parse(buffer.FirstSpan) : Parse(buffer.ToArray());
                reader.AdvanceTo(buffer.End);
                return result;
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    internal static (JsonElement Body, bool HasEscapes, WorkflowError? Error) Parse(ReadOnlySpan<byte> json)
    {
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        json = json.StartsWith(mark) ? json[mark.Length..] : json;
        if (json.IsEmpty)
        {
            return (default, false, ApiErrors.Invalid("The body is empty; it must be a JSON object."));
        }

        // Checked as a whole: the parser looks at a string's bytes only when it is read, which is too late to refuse it.
        if (!Utf8.IsValid(json))
        {
            return (default, false, ApiErrors.Invalid("The body is not valid UTF-8."));
        }

        try
        {
            return (JsonElement.Parse(json, Options), json.IndexOf("\\u"u8) >= 0, null);
        }
        catch (JsonException e)
        {
            return (default, false, ApiErrors.Invalid(Describe(e)));
        }
        // What the parser throws for half a surrogate pair in a property name, while it compares names.
        catch (InvalidOperationException)
        {
            return (default, false, ApiErrors.Invalid("A property name of the body holds half of a surrogate pair; names and strings must be whole Unicode text."));
        }
    }

    private static string Describe(JsonException exception)
    {
        var message = exception.Message;
        if (message.Contains("maximum configured depth", StringComparison.Ordinal))
        {
            return $"The body is nested deeper than {Depth} levels.";
        }

        // The parser counts from 0, and says so itself at the end of its message.
        var end = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var reason = end < 0 ? message : message[..end];
        return exception.LineNumber is { } line && exception.BytePositionInLine is { } column
            ? $"The body is not valid JSON: line {line + 1}, column {column + 1}: {reason}"
            : $"The body is not valid JSON: {reason}";
    }

    // No Content-Type at all is taken for JSON: older callers leave it out.
    private static bool IsJson(string? contentType)
    {
        if (string.IsNullOrEmpty(contentType) || contentType == "application/json")
        {
            return true;
        }

        return MediaTypeHeaderValue.TryParse(contentType, out var type) && type.MediaType is { } name
            && (name.Equals("application/json", StringComparison.OrdinalIgnoreCase) || name.EndsWith("+json", StringComparison.OrdinalIgnoreCase))
            && (type.CharSet is null || type.CharSet.Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase));
    }
}
