using System.Collections.Concurrent;

namespace LlmWorkflow.Simulator.Webhooks;

/// <summary>One webhook as it arrived.</summary>
/// <param name="At">When it arrived.</param>
/// <param name="Status">The status it was answered with.</param>
/// <param name="Headers">Names in lower case; several values are joined with a comma.</param>
/// <param name="Body">The exact body as UTF-8 text: what a signature is checked against.</param>
internal sealed record WebhookDelivery(DateTimeOffset At, int Status, IReadOnlyDictionary<string, string> Headers, string Body);

internal sealed record InboxView(IReadOnlyList<WebhookDelivery> Deliveries);

/// <summary>How an inbox answers: the statuses in turn, then 200; each after a delay.</summary>
internal sealed record InboxSettings
{
    public IReadOnlyList<int> Statuses { get; init; } = [];

    public int DelayMs { get; init; }
}

/// <summary>Receivers of webhooks by name, for demos and tests.</summary>
internal sealed class WebhookInboxes
{
    private readonly ConcurrentDictionary<string, WebhookInbox> inboxes = new(StringComparer.Ordinal);

    public WebhookInbox this[string name] => inboxes.GetOrAdd(name, _ => new WebhookInbox());

    public InboxView Read(string name) => inboxes.TryGetValue(name, out var inbox) ? inbox.Read() : new InboxView([]);

    public void Remove(string name) => inboxes.TryRemove(name, out _);
}

/// <summary>One receiver; keeps the latest <see cref="Capacity"/> deliveries.</summary>
internal sealed class WebhookInbox
{
    public const int Capacity = 100_000;

    private readonly Lock gate = new();
    private readonly Queue<WebhookDelivery> deliveries = new();
    private Queue<int> statuses = new();
    private TimeSpan delay;

    public void Configure(InboxSettings settings)
    {
        lock (gate)
        {
            statuses = new Queue<int>(settings.Statuses);
            delay = TimeSpan.FromMilliseconds(settings.DelayMs);
        }
    }

    public (int Status, TimeSpan Delay) Receive(DateTimeOffset at, IReadOnlyDictionary<string, string> headers, string body)
    {
        lock (gate)
        {
            var status = statuses.TryDequeue(out var next) ? next : StatusCodes.Status200OK;
            if (deliveries.Count == Capacity)
            {
                deliveries.Dequeue();
            }

            deliveries.Enqueue(new WebhookDelivery(at, status, headers, body));
            return (status, delay);
        }
    }

    public InboxView Read()
    {
        lock (gate)
        {
            return new InboxView([.. deliveries]);
        }
    }
}
