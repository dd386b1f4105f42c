using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmWorkflow.AppHost.Local;

/// <summary>Aspire's names of states.</summary>
internal static class KnownResourceStates
{
    public const string Waiting = "Waiting";
    public const string Starting = "Starting";
    public const string Running = "Running";
    public const string FailedToStart = "FailedToStart";
    public const string Exited = "Exited";
    public const string Finished = "Finished";

    public static IReadOnlyList<string> TerminalStates { get; } = [FailedToStart, Exited, Finished];
}

internal sealed record ResourceStateSnapshot(string Text);

internal sealed record ResourcePropertySnapshot(string Name, object? Value);

internal sealed record UrlSnapshot(string? Name, string Url, bool IsInternal);

/// <summary>The state of one instance of a resource.</summary>
internal sealed record CustomResourceSnapshot
{
    public required ResourceStateSnapshot State { get; init; }

    public HealthStatus? HealthStatus { get; init; }

    public int? ExitCode { get; init; }

    public ImmutableArray<ResourcePropertySnapshot> Properties { get; init; } = [];

    public ImmutableArray<UrlSnapshot> Urls { get; init; } = [];
}

/// <param name="Resource">The resource.</param>
/// <param name="ResourceId">The instance: the resource's name, with a number when it has replicas.</param>
/// <param name="Snapshot">Its state now.</param>
internal sealed record ResourceEvent(IResource Resource, string ResourceId, CustomResourceSnapshot Snapshot);

/// <summary>Tells whoever watches how the resources are.</summary>
internal sealed class ResourceNotificationService
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, ResourceEvent> latest = [];
    private readonly List<ChannelWriter<ResourceEvent>> watchers = [];

    public void Publish(ResourceEvent change)
    {
        lock (gate)
        {
            latest[change.ResourceId] = change;
            watchers.ForEach(watcher => watcher.TryWrite(change));
        }
    }

    /// <summary>The latest state of every instance, then each change.</summary>
    public async IAsyncEnumerable<ResourceEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<ResourceEvent>();
        lock (gate)
        {
            foreach (var known in latest.Values)
            {
                channel.Writer.TryWrite(known);
            }

            watchers.Add(channel.Writer);
        }

        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(cancellationToken))
            {
                yield return change;
            }
        }
        finally
        {
            lock (gate)
            {
                watchers.Remove(channel.Writer);
            }
        }
    }

    public async Task<ResourceEvent> WaitForResourceAsync(
        string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        await foreach (var change in WatchAsync(cancellationToken))
        {
            if (change.Resource.Name == resourceName && predicate(change))
            {
                return change;
            }
        }

        throw new OperationCanceledException(cancellationToken);
    }

    public Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default) =>
        WaitForResourceAsync(resourceName, change => change.Snapshot.HealthStatus == HealthStatus.Healthy, cancellationToken);
}
