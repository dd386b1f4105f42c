using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

public sealed class ServiceRetriesTests : IDisposable
{
    private static readonly ServiceAttempt s_failed = new() { Status = 500, Error = ServiceErrors.FromStatus(500, null, null) };
    private static readonly ServiceAttempt s_refused = new() { Status = 400, Error = ServiceErrors.FromStatus(400, null, null) };

    private readonly CancellationTokenSource _stop = new();
    private int _attempts;

    public void Dispose() => _stop.Dispose();

    [Fact]
    public async Task RunAsync_CancelledBeforeTheRetryThatIsDue_IsCancelled()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(s_failed, most: 3));

        Assert.Equal(1, _attempts);
    }

    [Fact]
    public async Task RunAsync_CancelledAfterTheLastAttempt_GivesItsError() =>
        Assert.Equal((ErrorTypes.UpstreamServerError, 2), ((await RunAsync(s_failed, most: 2, cancelledAfter: 2)).Error!.Type, _attempts));

    [Fact]
    public async Task RunAsync_CancelledAfterAnErrorThatStands_GivesIt() => Assert.Equal(ErrorTypes.UpstreamBadRequest, (await RunAsync(s_refused, most: 3)).Error!.Type);

    [Fact]
    public async Task RunAsync_CancelledWhereARepeatMayDoHarm_GivesTheError() =>
        Assert.Equal(ErrorTypes.UpstreamServerError, (await RunAsync(s_failed, most: 3, isIdempotent: false)).Error!.Type);

    private Task<ServiceAttempt> RunAsync(ServiceAttempt end, int most, int cancelledAfter = 1, bool isIdempotent = true)
    {
        ServiceRetries retries = new(new() { MaxAttempts = most, InitialDelaySeconds = 0 }, static () => 0, new VirtualTime());
        return retries.RunAsync(
            (number, _) =>
            {
                _attempts++;
                if (number == cancelledAfter)
                {
                    _stop.Cancel();
                }

                return ValueTask.FromResult(end);
            },
            isIdempotent, null, _stop.Token);
    }
}
