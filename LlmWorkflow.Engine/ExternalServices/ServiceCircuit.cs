using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices.Pacing;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.CircuitBreaker;
using Tags = LlmWorkflow.Engine.Diagnostics.EngineTelemetry.Tags;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>The circuit breaker of a service in this process.</summary>
internal sealed class ServiceCircuit
{
    // What the library takes.
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);

    // How soon to ask again while a probe is under way.
    private static readonly TimeSpan s_probe = TimeSpan.FromSeconds(1);

    private readonly string _service;
    private readonly TimeProvider _time;
    private readonly CircuitBreakerStateProvider _state = new();
    private readonly ResiliencePipeline<ServiceAttempt> _breaker;
    private long _openUntil = long.MinValue;

    /// <param name="service">Service name.</param>
    /// <param name="policy">From its file.</param>
    /// <param name="time">Clock of the windows.</param>
    /// <param name="logger">Is told when it opens and closes.</param>
    public ServiceCircuit(string service, ServiceBreaker policy, TimeProvider time, ILogger logger)
    {
        _service = service;
        _time = time;
        Policy = policy;
        _breaker = new ResiliencePipelineBuilder<ServiceAttempt> { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<ServiceAttempt>
            {
                FailureRatio = Math.Clamp(policy.FailureRatio, 0.001, 1),
                MinimumThroughput = Math.Max(2, policy.MinimumCalls),
                SamplingDuration = Bounded(policy.WithinSeconds),
                BreakDuration = Bounded(policy.OpenSeconds),
                StateProvider = _state,
                // A probe that its caller called off has told nothing: the circuit stays open for another while.
                ShouldHandle = args => ValueTask.FromResult(
                    args.Outcome.Result?.IsFailure ?? (args.Outcome.Exception is not null && _state.CircuitState == CircuitState.HalfOpen)),
                OnOpened = args =>
                {
                    Volatile.Write(ref _openUntil, Now + (long)args.BreakDuration.TotalMilliseconds);
                    EngineTelemetry.ServiceBreakerChanges.Add(1, [new(Tags.Service, service), new(Tags.BreakerState, "open")]);
                    PacingLog.BreakerOpened(logger, service, args.BreakDuration.TotalSeconds);
                    return default;
                },
                OnClosed = _ =>
                {
                    EngineTelemetry.ServiceBreakerChanges.Add(1, [new(Tags.Service, service), new(Tags.BreakerState, "closed")]);
                    PacingLog.BreakerClosed(logger, service);
                    return default;
                },
            })
            .Build();
    }

    /// <summary>What it was made of.</summary>
    public ServiceBreaker Policy { get; }

    private long Now => (long)_time.GetElapsedTime(0, _time.GetTimestamp()).TotalMilliseconds;

    /// <summary>The error while it keeps calls back; null: one may try.</summary>
    public ServiceAttempt? Refusal()
    {
        var rest = Volatile.Read(ref _openUntil) - Now;
        return _state.CircuitState switch
        {
            CircuitState.Open when rest > 0 => Refused(TimeSpan.FromMilliseconds(rest)),
            CircuitState.HalfOpen => Refused(s_probe),
            _ => null,
        };
    }

    /// <summary>Makes an attempt unless the circuit is open.</summary>
    public async ValueTask<ServiceAttempt> RunAsync(Func<CancellationToken, ValueTask<ServiceAttempt>> send, CancellationToken cancellationToken)
    {
        try
        {
            return await _breaker.ExecuteAsync(static (send, stop) => send(stop), send, cancellationToken);
        }
        catch (BrokenCircuitException exception)
        {
            return Refused(exception.RetryAfter ?? s_shortest);
        }
    }

    private ServiceAttempt Refused(TimeSpan rest) => new() { Error = ServiceErrors.CircuitOpen(_service, rest), IsUnprocessed = true };

    private static TimeSpan Bounded(double seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, s_shortest.TotalSeconds, s_longest.TotalSeconds));
}
