using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Engine.Webhooks;

namespace LlmWorkflow.Tests.Engine.Webhooks;

public sealed class WebhookRetryTests
{
    private static readonly IReadOnlyList<TimeSpan> Delays = new EngineOptions().WebhookRetryDelays;

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 15)]
    [InlineData(3, 45)]
    public void Decide_Failure_RetriesAfterTheAttemptsDelay(int attempt, int seconds) =>
        Assert.Equal((DeliveryState.Pending, TimeSpan.FromSeconds(seconds)), Decide(500, attempt));

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void Decide_FailureOfLastAttempt_IsDead(int attempt) => Assert.Equal((DeliveryState.Dead, null), Decide(500, attempt));

    [Theory]
    [InlineData(200, 1)]
    [InlineData(204, 4)]
    [InlineData(299, 9)]
    public void Decide_2xx_IsDelivered(int status, int attempt) => Assert.Equal((DeliveryState.Delivered, null), Decide(status, attempt));

    [Fact]
    public void Decide_410_IsStopped() => Assert.Equal((DeliveryState.Stopped, null), Decide(410, 1));

    [Theory]
    [InlineData(null)]
    [InlineData(100)]
    [InlineData(301)]
    [InlineData(308)]
    [InlineData(404)]
    public void Decide_OtherAnswerOrNone_Retries(int? status) => Assert.Equal(DeliveryState.Pending, Decide(status, 1).State);

    [Theory]
    [InlineData(60, 60)]
    [InlineData(1, 5)]
    [InlineData(-10, 5)]
    [InlineData(86_400, 3_600)]
    public void Decide_RetryAfter_CountsWhenLongerUpToAnHour(int asked, int expected)
    {
        var (_, retryIn) = WebhookRetry.Decide(new() { StatusCode = 429, RetryAfter = TimeSpan.FromSeconds(asked) }, 1, Delays);

        Assert.Equal(TimeSpan.FromSeconds(expected), retryIn);
    }

    private static (DeliveryState State, TimeSpan? RetryIn) Decide(int? status, int attempt) =>
        WebhookRetry.Decide(new() { StatusCode = status, Error = "no" }, attempt, Delays);
}
