using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Tests.Engine.Providers;

public sealed class ProviderFaultTests
{
    [Theory]
    // OpenAI
    [InlineData("openai", 401, """{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}""", ErrorTypes.AuthenticationFailed, false)]
    [InlineData("openai", 429, """{"error":{"message":"Rate limit reached","type":"tokens","code":"rate_limit_exceeded"}}""", ErrorTypes.RateLimited, true)]
    [InlineData("openai", 429, """{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}""", ErrorTypes.QuotaExceeded, false)]
    [InlineData("openai", 429, """{"error":{"message":"No credit","type":"insufficient_quota","code":null}}""", ErrorTypes.QuotaExceeded, false)]
    [InlineData("openai", 429, """{"error":{"message":"No credit","code":"credit_balance_exhausted"}}""", ErrorTypes.QuotaExceeded, false)]
    [InlineData("openai", 400, """{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}""", ErrorTypes.ContextTooLong, false)]
    [InlineData("openai", 400, """{"error":{"message":"Unsupported parameter","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}""", ErrorTypes.UpstreamBadRequest, false)]
    [InlineData("openai", 400, """{"error":{"message":"filtered","type":"invalid_request_error","code":"content_policy_violation"}}""", ErrorTypes.ContentFiltered, false)]
    [InlineData("openai", 404, """{"error":{"message":"no such model","type":"invalid_request_error","code":"model_not_found"}}""", ErrorTypes.UpstreamBadRequest, false)]
    [InlineData("openai", 500, """{"error":{"message":"oops","type":"server_error"}}""", ErrorTypes.UpstreamServerError, true)]
    [InlineData("openai", 503, """{"error":{"message":"Slow down","code":"slow_down"}}""", ErrorTypes.Overloaded, true)]
    // Anthropic
    [InlineData("anthropic", 400, """{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too large"}}""", ErrorTypes.UpstreamBadRequest, false)]
    [InlineData("anthropic", 400, """{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}""", ErrorTypes.ContextTooLong, false)]
    [InlineData("anthropic", 400, """{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-12-01."}}""", ErrorTypes.QuotaExceeded, false)]
    [InlineData("anthropic", 400, """{"type":"error","error":{"type":"invalid_request_error","message":"Your organization has hit its spend limit"}}""", ErrorTypes.QuotaExceeded, false)]
    [InlineData("anthropic", 400, """{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}""", ErrorTypes.QuotaExceeded, false)]
    [InlineData("anthropic", 401, """{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}""", ErrorTypes.AuthenticationFailed, false)]
    [InlineData("anthropic", 402, """{"type":"error","error":{"type":"billing_error","message":"pay"}}""", ErrorTypes.QuotaExceeded, false)]
    [InlineData("anthropic", 403, """{"type":"error","error":{"type":"permission_error","message":"no"}}""", ErrorTypes.AuthenticationFailed, false)]
    [InlineData("anthropic", 404, """{"type":"error","error":{"type":"not_found_error","message":"model: x"}}""", ErrorTypes.UpstreamBadRequest, false)]
    [InlineData("anthropic", 413, """{"type":"error","error":{"type":"request_too_large","message":"big"}}""", ErrorTypes.ContextTooLong, false)]
    [InlineData("anthropic", 429, """{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}""", ErrorTypes.RateLimited, true)]
    [InlineData("anthropic", 429, """{"type":"error","error":{"type":"rate_limit_error","message":"spent","details":{"error_code":"enforced_spend_limit_reached"}}}""", ErrorTypes.QuotaExceeded, false)]
    [InlineData("anthropic", 500, """{"type":"error","error":{"type":"api_error","message":"oops"}}""", ErrorTypes.UpstreamServerError, true)]
    [InlineData("anthropic", 504, """{"type":"error","error":{"type":"timeout_error","message":"slow"}}""", ErrorTypes.UpstreamTimeout, true)]
    [InlineData("anthropic", 529, """{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}""", ErrorTypes.Overloaded, true)]
    [InlineData("anthropic", 529, "", ErrorTypes.Overloaded, true)]
    // Servers of OpenAI's form: bare texts, other members, other codes, no JSON.
    [InlineData("local", 404, """{"error":"model 'x' not found"}""", ErrorTypes.UpstreamBadRequest, false)]
    [InlineData("local", 400, """{"object":"error","message":"This model's maximum context length is 4096 tokens","type":"BadRequestError","code":400}""", ErrorTypes.ContextTooLong, false)]
    [InlineData("local", 422, """{"detail":"bad"}""", ErrorTypes.UpstreamBadRequest, false)]
    [InlineData("local", 400, """{"error":{"code":"content_filter","message":"filtered","innererror":{"code":"ResponsibleAIPolicyViolation"}}}""", ErrorTypes.ContentFiltered, false)]
    [InlineData("local", 429, """{"error":{"code":"429","message":"busy"}}""", ErrorTypes.RateLimited, true)]
    [InlineData("local", 502, "<html>bad gateway</html>", ErrorTypes.UpstreamServerError, true)]
    [InlineData("local", 307, "", ErrorTypes.UpstreamBadRequest, false)]
    public async Task Ask_RefusedRequest_IsTypedError(string provider, int status, string body, string type, bool retryable)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json(body, status, "application/json", ("retry-after", "7")));

        foreach (var stream in new[] { false, true })
        {
            var answer = await fixture.AskAsync(provider, stream);

            Assert.Equal((type, retryable, retryable ? 7d : null), (answer.Error!.Type, answer.Error.Retryable, answer.Error.RetryAfter));
            Assert.Equal((provider, "m"), (answer.Error.Details!.Service, answer.Error.Details.Operation));
            Assert.NotEmpty(answer.Error.Details.Suggestions);
            Assert.Equal((0, ChatCallStage.Refused), (answer.Usage.TotalTokens, fixture.Progress.Stage));
        }
    }

    [Fact]
    public async Task Ask_ShouldRetryIsFalse_IsNotRetryable()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json("{}", 500, "application/json", ("x-should-retry", "false")));

        Assert.False((await fixture.AskAsync("anthropic")).Error!.Retryable);
    }

    [Fact]
    public async Task Ask_RateLimitWithoutRetryAfter_WaitsForTheResetOfWhatIsUsedUp()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json(
            "{}", 429, "application/json",
            ("x-ratelimit-remaining-requests", "5"), ("x-ratelimit-reset-requests", "1h0m0s"), ("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "3s")));

        var answer = await fixture.AskAsync("openai");

        Assert.Equal(3, answer.Error!.RetryAfter);
        Assert.Equal([RateDimension.Requests, RateDimension.Tokens], fixture.Progress.RateLimits.Select(window => window.Dimension));
    }

    [Fact]
    public async Task Ask_HeadersInsideTheError_CountAsHeaders()
    {
        var reset = TimeProvider.System.GetUtcNow().AddSeconds(60).ToUnixTimeMilliseconds();
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json(
            """{"error":{"code":429,"message":"busy","metadata":{"headers":{"X-RateLimit-Limit":"20","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"RESET"}}}}"""
                .Replace("RESET", $"{reset}", StringComparison.Ordinal)));

        var answer = await fixture.AskAsync("openrouter", stream: false);

        var window = Assert.Single(fixture.Progress.RateLimits);
        Assert.Equal((RateDimension.Requests, 20, 0), (window.Dimension, window.Limit, window.Remaining));
        Assert.InRange(answer.Error!.RetryAfter!.Value, 40, 60);
    }

    [Fact]
    public async Task Ask_ErrorThatQuotesThePrompt_ShowsNeitherPromptNorKey()
    {
        const string Secret = "Mrs Miller of 12 Elm Street has a heart condition since 1987.";
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json(
            $$$"""{"error":{"message":"Bad text '{{{Secret}}}' for {{{ProviderFixture.Key}}}"}}""", 400, "application/json", ("x-request-id", "req-7")));
        fixture.Messages = [new(ChatRole.User, $"Write about this: {Secret} Thanks.")];

        var message = (await fixture.AskAsync("openai")).Error!.Message;

        Assert.DoesNotContain("Miller", message, StringComparison.Ordinal);
        Assert.DoesNotContain("0123456789", message, StringComparison.Ordinal);
        Assert.Contains("req-7", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_ErrorInTheProvidersOwnWords_KeepsThem()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json("""{"error":{"message":"temperature must be at most 2"}}""", 400));

        Assert.Contains("temperature must be at most 2", (await fixture.AskAsync("openai")).Error!.Message, StringComparison.Ordinal);
    }
}
