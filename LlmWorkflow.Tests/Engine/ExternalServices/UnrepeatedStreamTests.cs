using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

/// <summary>.NET's own repeats of requests are off: what is made again, and how often, is said by the service's file.</summary>
public sealed class UnrepeatedStreamTests : IDisposable
{
    private readonly ExchangeBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("GET", 1)]
    [InlineData("GET", 3)]
    [InlineData("DELETE", 2)]
    public async Task AskAsync_ConnectionEndsWithoutAByte_AsksAsOftenAsTheFileSays(string method, int attempts)
    {
        var requests = 0;
        await using RawUpstream upstream = new((_, _) =>
        {
            Interlocked.Increment(ref requests);
            return Task.CompletedTask;
        });
        _bench.Service = _bench.Service with { Retry = new() { MaxAttempts = attempts, InitialDelaySeconds = 0.01 } };

        var (_, error, _) = await _bench.AskAsync(upstream.Url, AuthPlace.Header, method: new(method), hasBody: false);

        Assert.Equal((ErrorTypes.NetworkError, true), (error!.Type, error.Retryable));
        Assert.Contains("ResponseEnded", error.Message);
        Assert.Equal(attempts, requests);
    }

    [Fact]
    public async Task AskAsync_ConnectionEndsOnAUsedOne_AsksAsOftenAsTheFileSays()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}"), context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        _bench.Service = _bench.Service with { Retry = new() { MaxAttempts = 1 } };

        Assert.NotNull((await _bench.AskAsync(upstream.Url, AuthPlace.Header)).Reply);
        Assert.Equal(ErrorTypes.NetworkError, (await _bench.AskAsync(upstream.Url, AuthPlace.Header)).Error!.Type);

        Assert.Equal(2, upstream.Received.Count);
    }
}
