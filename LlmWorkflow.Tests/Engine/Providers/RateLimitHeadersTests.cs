using System.Globalization;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Engine.Providers.Gate;

namespace LlmWorkflow.Tests.Engine.Providers;

public sealed class RateLimitHeadersTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("x-ratelimit-limit-requests=60;x-ratelimit-remaining-requests=59;x-ratelimit-reset-requests=1s", "Requests 60 59 1")]
    [InlineData("x-ratelimit-limit-tokens=150000;x-ratelimit-remaining-tokens=149984;x-ratelimit-reset-tokens=6m0s", "Tokens 150000 149984 360")]
    [InlineData("x-ratelimit-remaining-requests=1;x-ratelimit-reset-requests=20ms;x-ratelimit-remaining-tokens=2;x-ratelimit-reset-tokens=1h2m3.5s", "Requests - 1 0.02|Tokens - 2 3723.5")]
    [InlineData("x-ratelimit-remaining-requests=1;x-ratelimit-reset-requests=7", "Requests - 1 7")]
    [InlineData("x-ratelimit-remaining-requests=1;x-ratelimit-reset-requests=soon", "Requests - 1 -")]
    [InlineData("anthropic-ratelimit-requests-limit=50;anthropic-ratelimit-requests-remaining=49;anthropic-ratelimit-requests-reset=2026-11-21T12:00:01Z", "Requests 50 49 1")]
    [InlineData("anthropic-ratelimit-tokens-remaining=9;anthropic-ratelimit-input-tokens-limit=100;anthropic-ratelimit-input-tokens-remaining=8;anthropic-ratelimit-output-tokens-remaining=7;anthropic-ratelimit-output-tokens-reset=2026-11-21T11:59:00Z", "Tokens - 9 -|InputTokens 100 8 -|OutputTokens - 7 0")]
    [InlineData("X-RateLimit-Limit=20;X-RateLimit-Remaining=0;X-RateLimit-Reset=1795262430000", "Requests 20 0 30")]
    [InlineData("X-RateLimit-Remaining=0;X-RateLimit-Reset=1795262430", "Requests - 0 30")]
    [InlineData("x-ratelimit-remaining-requests=3;x-ratelimit-remaining=4", "Requests - 3 -")]
    [InlineData("x-ratelimit-limit-requests=60", "")]
    [InlineData("x-ratelimit-remaining-requests=many", "")]
    [InlineData("x-ratelimit-remaining-requests=-5", "Requests - 0 -")]
    [InlineData("", "")]
    public void Read_Headers_AreTheseWindows(string headers, string expected)
    {
        var windows = RateLimitHeaders.Read(Of(headers), Now);

        Assert.Equal(expected, string.Join('|', windows.Select(window => string.Create(
            CultureInfo.InvariantCulture, $"{window.Dimension} {Told(window.Limit)} {window.Remaining} {Told(window.Reset?.TotalSeconds)}"))));
    }

    [Theory]
    [InlineData("retry-after=7", 7d)]
    [InlineData("retry-after=1.5", 1.5)]
    [InlineData("retry-after-ms=1500;retry-after=9", 1.5)]
    [InlineData("retry-after=Sat, 21 Nov 2026 12:00:30 GMT", 30d)]
    [InlineData("retry-after=Sat, 21 Nov 2026 11:00:00 GMT", 0d)]
    [InlineData("retry-after=-3", 0d)]
    [InlineData("retry-after=later", null)]
    [InlineData("", null)]
    public void RetryAfter_Headers_AreSeconds(string headers, double? expected) => Assert.Equal(expected, RateLimitHeaders.RetryAfter(Of(headers), Now));

    private static Func<string, string?> Of(string headers)
    {
        var given = headers.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(header => header.Split('=', 2))
            .ToDictionary(header => header[0], header => header[1], StringComparer.OrdinalIgnoreCase);
        return given.GetValueOrDefault;
    }

    private static string Told<T>(T? value)
        where T : struct, IFormattable => value?.ToString(null, CultureInfo.InvariantCulture) ?? "-";
}
