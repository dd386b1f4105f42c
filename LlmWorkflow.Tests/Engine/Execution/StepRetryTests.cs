using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Execution;

namespace LlmWorkflow.Tests.Engine.Execution;

public sealed class StepRetryTests
{
    private static readonly WorkflowError Retryable = new() { Type = "T", Category = ErrorCategory.External, Message = "m", Retryable = true };

    [Theory]
    [InlineData(1, 0.0, 0.5)]
    [InlineData(1, 0.999999, 1.0)]
    [InlineData(2, 0.0, 1.0)]
    [InlineData(3, 0.5, 3.0)]
    [InlineData(4, 0.0, 4.0)]
    [InlineData(9, 0.0, 5.0)]
    public void Delay_WithJitter_LiesBetweenHalfAndAllOfTheBackoff(int attempt, double draw, double seconds)
    {
        var policy = new RetryPolicy { MaxAttempts = 20, InitialDelaySeconds = 1, BackoffMultiplier = 2, MaxDelaySeconds = 10 };

        var delay = StepRetry.Delay(policy, Retryable, attempt, draw);

        Assert.Equal(seconds, delay!.Value.TotalSeconds, 2);
    }

    [Fact]
    public void Delay_UpstreamSaysWhen_WaitsAtLeastThatLong()
    {
        var policy = new RetryPolicy { MaxDelaySeconds = 2, Jitter = false };

        Assert.Equal(30, StepRetry.Delay(policy, Retryable with { RetryAfter = 30 }, 1, 0)!.Value.TotalSeconds);
    }

    [Fact]
    public void Delay_LastAttemptOrNotRetryableOrNoPolicy_IsNull()
    {
        var policy = new RetryPolicy { MaxAttempts = 3 };

        Assert.Null(StepRetry.Delay(policy, Retryable, 3, 0));
        Assert.Null(StepRetry.Delay(policy, Retryable with { Retryable = false }, 1, 0));
        Assert.Null(StepRetry.Delay(null, Retryable, 1, 0));
    }
}
