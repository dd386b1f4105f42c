using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Api.Events;

/// <summary>Reads one job's events and streamed text for one client. Nudges say when to look; without them it looks by itself.</summary>
internal sealed class JobEventReader : IAsyncDisposable
{
    // Without Redis events must still show within a second; with it a look without a nudge only makes up for a lost one.
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan PollWithNudges = TimeSpan.FromSeconds(3);

    private readonly Guid _jobId;
    private readonly JobQueries _queries;
    private readonly JobEventBus _bus;
    private readonly EventOrder _order;
    private readonly SemaphoreSlim _nudged = new(0, 1);
    private IAsyncDisposable? _subscription;
    private string? _lastLive;

    private JobEventReader(Guid jobId, long lastEventId, JobQueries queries, JobEventBus bus)
    {
        _jobId = jobId;
        _queries = queries;
        _bus = bus;
        _order = new(lastEventId);
    }

    /// <summary>Whether everything was read and the job has ended.</summary>
    public bool IsOver => _order.IsOver;

    /// <summary>A reader that is subscribed, so that nothing between its first look and its next is missed.</summary>
    public static async Task<JobEventReader> OpenAsync(Guid jobId, long lastEventId, JobQueries queries, JobEventBus bus)
    {
        var reader = new JobEventReader(jobId, lastEventId, queries, bus);
        reader._subscription = await bus.SubscribeAsync(jobId, reader.Wake);
        return reader;
    }

    /// <summary>What is new.</summary>
    public async Task<IReadOnlyList<EventFrame>> ReadAsync(CancellationToken cancellationToken)
    {
        List<StoredEvent> events = [];
        IReadOnlyList<StoredEvent> page;
        do
        {
            page = await _queries.EventsAfterAsync(_jobId, events.Count > 0 ? events[^1].Sequence : _order.Sequence, cancellationToken);
            events.AddRange(page);
        }
        while (page.Count == JobQueries.EventPage);

        // Text after events: what was flushed before a step's end was written is there by now.
        var live = await _bus.ReadLiveAsync(_jobId, _lastLive);
        _lastLive = live is [.., var last] ? last.Id : _lastLive;
        return _order.Advance(events, live);
    }

    /// <summary>Waits for a nudge, at most until the next look is due or <paramref name="limit"/> is over.</summary>
    public async Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var poll = _bus.IsAvailable ? PollWithNudges : Poll;
        await _nudged.WaitAsync(poll < limit ? poll : limit, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_subscription is not null)
        {
            await _subscription.DisposeAsync();
        }

        // Not the semaphore: a nudge may be on its way, and without a wait handle there is nothing to free.
    }

    private void Wake()
    {
        try
        {
            _nudged.Release();
        }
        catch (SemaphoreFullException)
        {
            // A look is due already.
        }
    }
}
