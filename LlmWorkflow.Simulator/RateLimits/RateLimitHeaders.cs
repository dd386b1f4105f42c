using System.Globalization;
using LlmWorkflow.Simulator.Control;

namespace LlmWorkflow.Simulator.RateLimits;

/// <summary>Limits as each provider's headers tell them.</summary>
internal static class RateLimitHeaders
{
    /// <param name="response">Gets them.</param>
    /// <param name="rate">What the limit said about the call.</param>
    /// <param name="usual">The provider's own form.</param>
    /// <param name="retryAfter">Seconds to tell instead of the true ones; null: the true ones.</param>
    /// <param name="now">The provider's time.</param>
    public static void AddRateLimit(this HttpResponse response, RateDecision rate, RateHeaders usual, double? retryAfter, DateTimeOffset now)
    {
        var form = rate.Headers ?? usual;
        var add = form switch
        {
            RateHeaders.OpenAi => (Action<HttpResponse, RateDecision, DateTimeOffset>)AddOpenAi,
            RateHeaders.Anthropic => AddAnthropic,
            RateHeaders.OpenRouter => AddOpenRouter,
            _ => (_, _, _) => { },
        };
        add(response, rate, now);
        if (rate.Limited && form is not RateHeaders.None)
        {
            // OpenAI tells milliseconds too, the others whole seconds.
            response.AddRetryAfter(retryAfter ?? (form is RateHeaders.OpenAi ? rate.FreeAfter.TotalSeconds : Math.Ceiling(rate.FreeAfter.TotalSeconds)));
        }
    }

    private static void AddOpenAi(HttpResponse response, RateDecision rate, DateTimeOffset now)
    {
        Add("requests", rate.Requests);
        Add("tokens", rate.Tokens);

        void Add(string of, RateGauge? gauge)
        {
            if (gauge is not null)
            {
                Set(response, $"x-ratelimit-limit-{of}", gauge.Limit);
                Set(response, $"x-ratelimit-remaining-{of}", gauge.Remaining);
                response.Headers[$"x-ratelimit-reset-{of}"] = Duration(gauge.UntilFull);
            }
        }
    }

    private static void AddAnthropic(HttpResponse response, RateDecision rate, DateTimeOffset now)
    {
        Add("requests", rate.Requests, rounding: 1);
        // Remaining tokens are rounded to the thousand.
        Add("tokens", rate.Tokens, rounding: 1000);
        Add("input-tokens", rate.Tokens, rounding: 1000);

        void Add(string of, RateGauge? gauge, int rounding)
        {
            if (gauge is not null)
            {
                Set(response, $"anthropic-ratelimit-{of}-limit", gauge.Limit);
                Set(response, $"anthropic-ratelimit-{of}-remaining", (long)Math.Round((double)gauge.Remaining / rounding) * rounding);
                response.Headers[$"anthropic-ratelimit-{of}-reset"] =
                    now.Add(gauge.UntilFull).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
            }
        }
    }

    private static void AddOpenRouter(HttpResponse response, RateDecision rate, DateTimeOffset now)
    {
        if ((rate.Requests ?? rate.Tokens) is { } gauge)
        {
            Set(response, "x-ratelimit-limit", gauge.Limit);
            Set(response, "x-ratelimit-remaining", gauge.Remaining);
            Set(response, "x-ratelimit-reset", now.Add(rate.Limited ? rate.FreeAfter : gauge.UntilFull).ToUnixTimeMilliseconds());
        }
    }

    /// <summary>As Go writes durations: <c>20ms</c>, <c>1.5s</c>, <c>6m0s</c>.</summary>
    public static string Duration(TimeSpan time)
    {
        if (time < TimeSpan.FromSeconds(1))
        {
            return string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalMilliseconds):0}ms");
        }

        var seconds = Math.Ceiling(time.TotalMilliseconds) / 1000;
        return time < TimeSpan.FromMinutes(1)
            ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.###}s")
            : string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(seconds / 60):0}m{seconds % 60:0.###}s");
    }

    private static void Set(HttpResponse response, string name, long value) =>
        response.Headers[name] = value.ToString(CultureInfo.InvariantCulture);
}
