using System.Globalization;
using LlmWorkflow.AppHost.Servers;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmWorkflow.AppHost.Local;

/// <summary>A started process.</summary>
/// <param name="ProcessId">Of the process itself, not of its supervisor.</param>
/// <param name="Completion">Ends with the exit code.</param>
/// <param name="StopAsync">Asks it to end, waits for its grace, then kills it.</param>
internal sealed record RunningInstance(int ProcessId, Task<int> Completion, Func<Task> StopAsync);

/// <summary>How to run one instance; a resource that is no process has no <see cref="StartAsync"/>.</summary>
internal sealed record InstancePlan
{
    public required Resource Resource { get; init; }

    public required string Id { get; init; }

    public Func<CancellationToken, Task<RunningInstance>>? StartAsync { get; init; }

    public Func<CancellationToken, Task<bool>>? IsHealthyAsync { get; init; }

    public IReadOnlyList<UrlSnapshot> Urls { get; init; } = [];
}

/// <summary>
/// Runs one instance: waits for what it needs, starts it, watches its health, starts it again after a growing delay when it
/// ends by itself, and stops it after everything that needs it.
/// </summary>
internal sealed class ResourceRunner(
    InstancePlan plan, ResourceLog log, ResourceNotificationService notifications, TimeProvider time, TimeSpan firstDelay)
{
    /// <summary>Short, because a worker that comes back at once takes its jobs back at once.</summary>
    public static readonly TimeSpan DefaultFirstDelay = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StableAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StartingPoll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan HealthyPoll = TimeSpan.FromSeconds(2);

    // A resource that was never healthy and ended so often is not going to be.
    private const int StartAttempts = 4;

    private readonly TaskCompletionSource healthy = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public InstancePlan Plan { get; } = plan;

    /// <summary>Ends when the instance was healthy for the first time.</summary>
    public Task FirstHealthy => healthy.Task;

    /// <summary>Ends when the instance is gone for good.</summary>
    public Task Stopped { get; private set; } = Task.CompletedTask;

    public void Begin(IReadOnlyList<ResourceRunner> dependencies, Func<IEnumerable<ResourceRunner>> dependents, CancellationToken stop) =>
        Stopped = RunAsync(dependencies, dependents, stop);

    private async Task RunAsync(IReadOnlyList<ResourceRunner> dependencies, Func<IEnumerable<ResourceRunner>> dependents, CancellationToken stop)
    {
        RunningInstance? running = null;
        try
        {
            Publish(KnownResourceStates.Waiting, null);
            await Task.WhenAll(dependencies.Select(dependency => dependency.FirstHealthy)).WaitAsync(stop);
            var delay = firstDelay;
            for (var attempt = 1; ; attempt++)
            {
                var startedAt = time.GetTimestamp();
                Publish(KnownResourceStates.Starting, null);
                running = Plan.StartAsync is null ? null : await Plan.StartAsync(stop);
                var exitCode = await WatchAsync(running, stop);
                delay = time.GetElapsedTime(startedAt) > StableAfter ? firstDelay : delay;
                running = null;
                if (attempt == StartAttempts && !healthy.Task.IsCompleted)
                {
                    log.Line($"{Plan.Id} ended {attempt} times without having been healthy; it is not started again.");
                    Publish(KnownResourceStates.FailedToStart, null, exitCode: exitCode);
                    return;
                }

                log.Line(string.Create(CultureInfo.InvariantCulture, $"{Plan.Id} ended with code {exitCode}; starting again in {delay.TotalSeconds:0.#} s."));
                Publish(KnownResourceStates.Starting, null, exitCode: exitCode);
                await Task.Delay(delay, time, stop);
                delay = TimeSpan.FromTicks(Math.Max(delay.Ticks, Math.Min(delay.Ticks * 2, LongestDelay.Ticks)));
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await Task.WhenAll(dependents().Select(dependent => dependent.Stopped));
            await (running?.StopAsync() ?? Task.CompletedTask);
            Publish(KnownResourceStates.Exited, null);
        }
        catch (Exception exception) when (exception is ServerUnavailableException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            log.Line(exception.Message);
            Publish(KnownResourceStates.FailedToStart, null);
        }
    }

    /// <summary>Reports the instance's health until it ends; gives its exit code.</summary>
    private async Task<int> WatchAsync(RunningInstance? running, CancellationToken stop)
    {
        var completion = running?.Completion ?? new TaskCompletionSource<int>().Task;
        bool? reported = null;
        while (!completion.IsCompleted)
        {
            var isHealthy = Plan.IsHealthyAsync is null || await Plan.IsHealthyAsync(stop);
            if (reported != isHealthy && !completion.IsCompleted)
            {
                reported = isHealthy;
                Publish(KnownResourceStates.Running, running, isHealthy);
                if (isHealthy)
                {
                    healthy.TrySetResult();
                }
            }

            var poll = Plan.IsHealthyAsync is null ? Timeout.InfiniteTimeSpan : isHealthy ? HealthyPoll : StartingPoll;
            await Task.WhenAny(completion, Task.Delay(poll, time, stop));
            stop.ThrowIfCancellationRequested();
        }

        return await completion;
    }

    private void Publish(string state, RunningInstance? running, bool? isHealthy = null, int? exitCode = null) =>
        notifications.Publish(new ResourceEvent(Plan.Resource, Plan.Id, new CustomResourceSnapshot
        {
            State = new ResourceStateSnapshot(state),
            HealthStatus = isHealthy is null ? null : isHealthy.Value ? HealthStatus.Healthy : HealthStatus.Unhealthy,
            ExitCode = exitCode,
            Properties = running is null ? [] : [new("executable.pid", running.ProcessId), new("log.path", log.Path)],
            Urls = [.. Plan.Urls],
        }));
}
