using System.Globalization;
using System.Net.Http.Headers;

namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>What failed HTTP calls have in common, whoever made them. Pure.</summary>
internal static class UpstreamFailure
{
    /// <summary>Seconds that the reply's headers ask to wait: <c>retry-after-ms</c>, else <c>retry-after</c> in seconds or as a date; null when they do not.</summary>
    public static double? RetryAfter(HttpResponseHeaders headers, DateTimeOffset now)
    {
        if (headers.TryGetValues("retry-after-ms", out var values)
            && double.TryParse(values.First(), NumberStyles.Float, CultureInfo.InvariantCulture, out var milliseconds) && double.IsFinite(milliseconds))
        {
            return Math.Max(0, milliseconds / 1000);
        }

        return headers.RetryAfter switch
        {
            { Delta: { } delta } => Math.Max(0, delta.TotalSeconds),
            { Date: { } date } => Math.Max(0, (date - now).TotalSeconds),
            _ => null,
        };
    }

    /// <summary>The kind of a network failure, without addresses or other words of the system.</summary>
    public static string Reason(Exception exception) => exception switch
    {
        HttpRequestException { HttpRequestError: not HttpRequestError.Unknown } http => http.HttpRequestError.ToString(),
        HttpIOException io => io.HttpRequestError.ToString(),
        _ => exception.GetType().Name,
    };
}
