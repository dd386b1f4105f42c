using System.Globalization;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Providers.Gate;

namespace LlmWorkflow.Engine.Providers;

/// <summary>
/// What the headers of an answer say about a provider's limits: OpenAI's <c>x-ratelimit-*-requests|tokens</c> (resets are durations), Anthropic's
/// <c>anthropic-ratelimit-*</c> (resets are RFC 3339), OpenRouter's <c>X-RateLimit-*</c> (resets are Unix milliseconds). Pure, and never throws.
/// </summary>
internal static partial class RateLimitHeaders
{
    // Unix seconds are below this until the year 5138, Unix milliseconds above it since 1973; durations in seconds are far below both.
    private const double FirstMilliseconds = 100_000_000_000;
    private const double LastMilliseconds = 100_000_000_000_000;
    private const double FirstUnixTime = 1_000_000_000;

    private static readonly (string Limit, string Remaining, string Reset, RateDimension Dimension)[] s_windows =
    [
        .. Named("x-ratelimit-{1}-{0}", ("requests", RateDimension.Requests), ("tokens", RateDimension.Tokens)),
        .. Named(
            "anthropic-ratelimit-{0}-{1}", ("requests", RateDimension.Requests), ("tokens", RateDimension.Tokens),
            ("input-tokens", RateDimension.InputTokens), ("output-tokens", RateDimension.OutputTokens)),
        ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", RateDimension.Requests),
    ];

    /// <summary>The limits that are told, one for each thing that is counted; those without a remaining count are left out.</summary>
    /// <param name="header">The text of a header by its name, whatever the case; null when there is none.</param>
    /// <param name="now">The time now, for resets that are points in time.</param>
    public static IReadOnlyList<RateLimitWindow> Read(Func<string, string?> header, DateTimeOffset now)
    {
        List<RateLimitWindow> windows = [];
        foreach (var (limit, remaining, reset, dimension) in s_windows)
        {
            if (Count(header(remaining)) is { } left && windows.TrueForAll(window => window.Dimension != dimension))
            {
                windows.Add(new RateLimitWindow(dimension, Count(header(limit)), left, Reset(header(reset), now)));
            }
        }

        return windows;
    }

    /// <summary>Seconds to wait: <c>retry-after-ms</c>, else <c>retry-after</c> in seconds or as a date; null when neither can be read.</summary>
    public static double? RetryAfter(Func<string, string?> header, DateTimeOffset now)
    {
        if (Number(header("retry-after-ms")) is { } milliseconds)
        {
            return Math.Max(0, milliseconds / 1000);
        }

        var text = header("retry-after");
        return Number(text) is { } seconds ? Math.Max(0, seconds)
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) ? Math.Max(0, (date - now).TotalSeconds)
            : null;
    }

    private static IEnumerable<(string Limit, string Remaining, string Reset, RateDimension Dimension)> Named(
        string form, params (string Name, RateDimension Dimension)[] counted) =>
        counted.Select(one => (Fill(form, one.Name, "limit"), Fill(form, one.Name, "remaining"), Fill(form, one.Name, "reset"), one.Dimension));

    private static string Fill(string form, string counted, string part) =>
        form.Replace("{0}", counted, StringComparison.Ordinal).Replace("{1}", part, StringComparison.Ordinal);

    private static long? Count(string? text) => Number(text) is { } number ? (long)Math.Clamp(number, 0, long.MaxValue / 2) : null;

    private static double? Number(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    private static TimeSpan? Reset(string? text, DateTimeOffset now)
    {
        if (Number(text) is not { } number)
        {
            return Duration(text)
                ?? (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) ? NotBefore(date, now) : null);
        }

        return number switch
        {
            < 0 or > LastMilliseconds => null,
            >= FirstMilliseconds => NotBefore(DateTimeOffset.FromUnixTimeMilliseconds((long)number), now),
            >= FirstUnixTime => NotBefore(DateTimeOffset.FromUnixTimeSeconds((long)number), now),
            _ => TimeSpan.FromSeconds(number),
        };
    }

    private static TimeSpan NotBefore(DateTimeOffset time, DateTimeOffset now) => time > now ? time - now : TimeSpan.Zero;

    // Go's form: 20ms, 6m0s, 1h2m3.5s.
    private static TimeSpan? Duration(string? text)
    {
        if (text is null || !DurationForm().IsMatch(text))
        {
            return null;
        }

        var seconds = DurationPart().Matches(text).Sum(part =>
            double.Parse(part.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * part.Groups[2].Value switch
            {
                "d" => 86_400,
                "h" => 3600,
                "m" => 60,
                "s" => 1,
                "ms" => 1e-3,
                "ns" => 1e-9,
                _ => 1e-6,
            });
        return TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.MaxValue.TotalSeconds / 2));
    }

    [GeneratedRegex(@"^(?:\d{1,9}(?:\.\d{1,9})?(?:ns|us|µs|ms|d|h|m|s))+$", RegexOptions.CultureInvariant)]
    private static partial Regex DurationForm();

    [GeneratedRegex(@"(\d+(?:\.\d+)?)(ns|us|µs|ms|d|h|m|s)", RegexOptions.CultureInvariant)]
    private static partial Regex DurationPart();
}
