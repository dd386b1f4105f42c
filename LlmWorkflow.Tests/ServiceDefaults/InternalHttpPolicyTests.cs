using System.Net;
using LlmWorkflow.ServiceDefaults;
using LlmWorkflow.ServiceDefaults.Resilience;
using Microsoft.Extensions.DependencyInjection;

namespace LlmWorkflow.Tests.ServiceDefaults;

public sealed class InternalHttpPolicyTests
{
    [Theory]
    [InlineData("GET", 503, InternalHttpPolicy.Retries + 1)]
    [InlineData("DELETE", 429, InternalHttpPolicy.Retries + 1)]
    [InlineData("GET", 0, InternalHttpPolicy.Retries + 1)]
    [InlineData("GET", 404, 1)]
    [InlineData("GET", 200, 1)]
    [InlineData("POST", 503, 1)]
    [InlineData("POST", 0, 1)]
    public async Task Send_Answer_IsRetriedOnlyWhenTransientAndIdempotent(string method, int status, int attempts)
    {
        var upstream = new Upstream((_, _) => status == 0 ? throw new HttpRequestException("refused") : Answer(status));
        using var services = Services(upstream);
        using var client = services.GetRequiredService<IHttpClientFactory>().CreateClient("inside");
        using var request = new HttpRequestMessage(new HttpMethod(method), "http://inside/");

        if (status == 0)
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => client.SendAsync(request));
        }
        else
        {
            using var response = await client.SendAsync(request);
            Assert.Equal(status, (int)response.StatusCode);
        }

        Assert.Equal(attempts, upstream.Calls);
    }

    [Fact]
    public async Task Send_TransientThenGood_GivesTheGoodAnswer()
    {
        var upstream = new Upstream((call, _) => Answer(call < 3 ? 500 : 200));
        using var services = Services(upstream);
        using var client = services.GetRequiredService<IHttpClientFactory>().CreateClient("inside");

        using var response = await client.GetAsync("http://inside/");

        Assert.Equal((HttpStatusCode.OK, 3), (response.StatusCode, upstream.Calls));
    }

    [Fact]
    public async Task Send_CallerGivesUp_IsNotRetried()
    {
        using var caller = new CancellationTokenSource();
        var upstream = new Upstream(async (_, token) =>
        {
            await caller.CancelAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            return await Answer(200);
        });
        using var services = Services(upstream);
        using var client = services.GetRequiredService<IHttpClientFactory>().CreateClient("inside");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.GetAsync("http://inside/", caller.Token));

        Assert.Equal(1, upstream.Calls);
    }

    private static Task<HttpResponseMessage> Answer(int status) => Task.FromResult(new HttpResponseMessage((HttpStatusCode)status));

    // Back-off is waited for a hundred times faster, time limits are not: they would end attempts on a slow machine.
    private static ServiceProvider Services(Upstream upstream)
    {
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(new FastTime());
        services.AddHttpClient("inside").ConfigurePrimaryHttpMessageHandler(() => upstream).AddInternalResilience();
        return services.BuildServiceProvider();
    }

    private sealed class Upstream(Func<int, CancellationToken, Task<HttpResponseMessage>> answer) : HttpMessageHandler
    {
        private int calls;

        public int Calls => Volatile.Read(ref calls);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            answer(Interlocked.Increment(ref calls), cancellationToken);
    }

    private sealed class FastTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, dueTime > Timeout.InfiniteTimeSpan && dueTime < InternalHttpPolicy.AttemptTimeout ? dueTime / 100 : dueTime, period);
    }
}
