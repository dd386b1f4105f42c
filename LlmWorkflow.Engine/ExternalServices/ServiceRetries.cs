using Polly;
using Polly.Retry;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Retries of a service's calls: those that may succeed, do no harm and come in time.</summary>
internal sealed class ServiceRetries
{
    // Nobody is kept waiting in the middle of a step for longer than this.
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(15);
    private static readonly ResiliencePropertyKey<Call> s_call = new("llmworkflow.service.call");

    private readonly Func<double> _chance;
    private readonly TimeProvider _time;
    private readonly ResiliencePipeline<ServiceAttempt> _pipeline;

    /// <param name="policy">From the service's file.</param>
    /// <param name="chance">From 0 to 1.</param>
    /// <param name="time">Clock of the delays.</param>
    public ServiceRetries(ServiceRetry policy, Func<double> chance, TimeProvider time)
    {
        (Policy, _chance, _time) = (policy, chance, time);
        ResiliencePipelineBuilder<ServiceAttempt> builder = new() { TimeProvider = time };
        if (policy.MaxAttempts > 1)
        {
            builder.AddRetry(new RetryStrategyOptions<ServiceAttempt>
            {
                MaxRetryAttempts = policy.MaxAttempts - 1,
                ShouldHandle = args => ValueTask.FromResult(
                    args.Outcome.Result is { Error: not null } attempt && args.Context.Properties.TryGetValue(s_call, out var call) && Decide(call, attempt, args.AttemptNumber)),
                DelayGenerator = static args => ValueTask.FromResult(args.Context.Properties.TryGetValue(s_call, out var call) ? call.Delay : (TimeSpan?)null),
            });
        }

        _pipeline = builder.Build();
    }

    /// <summary>What they were made of.</summary>
    public ServiceRetry Policy { get; }

    /// <summary>Makes attempts until one succeeds or no further one is allowed; the last one's end is the call's.</summary>
    /// <param name="attempt">Makes the attempt of a number, from 1.</param>
    /// <param name="isIdempotent">An attempt that may have been processed may be made again.</param>
    /// <param name="deadline">No attempt begins after it.</param>
    /// <param name="cancellationToken">Ends the delays too.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<ServiceAttempt> RunAsync(
        Func<int, CancellationToken, ValueTask<ServiceAttempt>> attempt, bool isIdempotent, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        Call call = new() { Attempt = attempt, IsIdempotent = isIdempotent, Deadline = deadline };
        context.Properties.Set(s_call, call);
        try
        {
            var end = await _pipeline.ExecuteAsync(static (context, call) => call.Attempt(++call.Number, context.CancellationToken), context, call);
            // Called off between an attempt and its retry: that attempt's error is not the call's.
            if (end.Error is not null && call.RetriedAfter == call.Number && call.Number < Policy.MaxAttempts)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            return end;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private bool Decide(Call call, ServiceAttempt attempt, int retries)
    {
        if (!attempt.Error!.Retryable || (!call.IsIdempotent && !attempt.IsUnprocessed))
        {
            return false;
        }

        call.Delay = Delay(retries, attempt.Error.RetryAfter);
        var isDue = call.Delay <= s_longest && (call.Deadline is not { } deadline || _time.GetUtcNow() + call.Delay < deadline);
        call.RetriedAfter = isDue ? call.Number : call.RetriedAfter;
        return isDue;
    }

    private TimeSpan Delay(int retries, double? retryAfter)
    {
        var longest = Math.Min(Policy.MaxDelaySeconds, s_longest.TotalSeconds);
        var backoff = Math.Min(longest, Policy.InitialDelaySeconds * Math.Pow(Policy.BackoffMultiplier, retries));
        var spread = Policy.Jitter ? _chance() : 1;
        // What the service asked for is the least; those it asked for the same do not come all at once.
        var asked = retryAfter is { } seconds ? Math.Min(seconds, s_longest.TotalSeconds * 2) + (Policy.Jitter ? Math.Min(1, seconds / 10) * spread : 0) : 0;
        return TimeSpan.FromSeconds(Math.Max(asked, backoff * (0.5 + (spread / 2))));
    }

    private sealed class Call
    {
        public required Func<int, CancellationToken, ValueTask<ServiceAttempt>> Attempt { get; init; }

        public required bool IsIdempotent { get; init; }

        public required DateTimeOffset? Deadline { get; init; }

        public int Number { get; set; }

        /// <summary>The attempt after which a retry was last decided on.</summary>
        public int RetriedAfter { get; set; }

        public TimeSpan Delay { get; set; }
    }
}
