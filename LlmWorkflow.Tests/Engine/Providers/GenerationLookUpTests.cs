using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.Providers;

public sealed class GenerationLookUpTests
{
    [Fact]
    public async Task Find_KnownCall_GivesItsCostAndNativeTokens()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json(
            """{"data":{"id":"gen-1","total_cost":0.0015,"usage":0.0015,"is_byok":false,"tokens_prompt":1,"tokens_completion":2,"native_tokens_prompt":120,"native_tokens_completion":30,"native_tokens_reasoning":9,"native_tokens_cached":100,"cancelled":true}}"""));

        var report = await fixture.Registrations["openrouter"].LookUpAsync!("gen-1 &x", CancellationToken.None);

        Assert.Equal(new TokenUsage { InputTokens = 120, OutputTokens = 30, CacheReadTokens = 100, ReasoningTokens = 9 }, report!.Tokens);
        Assert.Equal(0.0015m, report.ReportedUsd);
        Assert.Equal(("GET", "/or/v1/generation", "?id=gen-1%20%26x"), (fixture.Request.Method, fixture.Request.Path, fixture.Request.Query));
        Assert.Equal("Bearer " + ProviderFixture.Key, fixture.Request.Headers["Authorization"]);
    }

    [Theory]
    [InlineData(404, """{"error":{"code":404,"message":"Generation not found"}}""")]
    [InlineData(500, "")]
    [InlineData(200, "<html>")]
    [InlineData(200, "{}")]
    public async Task Find_NotKnownOrTrouble_IsNull(int status, string body)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json(body, status));

        Assert.Null(await fixture.Registrations["openrouter"].LookUpAsync!("gen-1", CancellationToken.None));
    }

    [Fact]
    public async Task Find_NothingListensOrNoKey_IsNull()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json("{}"), options => options.OpenRouterBaseUrl = new Uri("http://127.0.0.1:1"));
        await using var keyless = await ProviderFixture.StartAsync(FakeUpstream.Json("{}"), options => options.OpenRouterApiKey = null);

        Assert.Null(await fixture.Registrations["openrouter"].LookUpAsync!("gen-1", CancellationToken.None));
        Assert.Null(await keyless.Registrations["openrouter"].LookUpAsync!("gen-1", CancellationToken.None));
        Assert.Empty(keyless.Upstream.Received);
    }

    [Fact]
    public async Task Find_Cancelled_Throws()
    {
        using var cancel = new CancellationTokenSource();
        await using var fixture = await ProviderFixture.StartAsync(async context =>
        {
            await cancel.CancelAsync();
            await FakeUpstream.HangAsync(context);
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.Registrations["openrouter"].LookUpAsync!("gen-1", cancel.Token));
    }
}
