using System.Globalization;

namespace LlmWorkflow.Simulator.Control;

internal static class RetryAfterHeader
{
    /// <summary>
    /// Adds <c>retry-after</c> in whole seconds, rounded up; for a fraction also <c>retry-after-ms</c>, which OpenAI's and Anthropic's
    /// client libraries prefer.
    /// </summary>
    public static void AddRetryAfter(this HttpResponse response, double seconds)
    {
        response.Headers.RetryAfter = Math.Ceiling(seconds).ToString(CultureInfo.InvariantCulture);
        if (!double.IsInteger(seconds))
        {
            response.Headers["retry-after-ms"] = Math.Ceiling(seconds * 1000).ToString(CultureInfo.InvariantCulture);
        }
    }
}
