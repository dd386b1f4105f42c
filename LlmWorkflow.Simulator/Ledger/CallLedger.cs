namespace LlmWorkflow.Simulator.Ledger;

/// <summary>
/// Every upstream call that ended, in that order: what an invoice would be based on. Calls under way are not in it.
/// Holds up to <see cref="Capacity"/> calls and then drops the oldest, which it counts.
/// </summary>
internal sealed class CallLedger
{
    public const int Capacity = 1_000_000;

    // Dropping in batches keeps adding O(1): removing from a list's head moves the rest.
    private const int DropBatch = Capacity / 10;

    private readonly Lock gate = new();
    private readonly List<LedgerEntry> entries = [];
    private readonly Dictionary<string, LedgerEntry> byId = new(StringComparer.Ordinal);
    private long firstSequence;
    private long dropped;

    /// <summary>Adds an entry and returns the number under which <see cref="Replace"/> finds it.</summary>
    public long Add(LedgerEntry entry)
    {
        lock (gate)
        {
            if (entries.Count >= Capacity)
            {
                DropOldest();
            }

            entries.Add(entry);
            byId[entry.Id] = entry;
            return firstSequence + entries.Count - 1;
        }
    }

    /// <summary>Corrects an entry; one that was cleared meanwhile stays away.</summary>
    public void Replace(long sequence, LedgerEntry entry)
    {
        lock (gate)
        {
            var index = sequence - firstSequence;
            if (index >= 0 && index < entries.Count)
            {
                entries[(int)index] = entry;
                byId[entry.Id] = entry;
            }
        }
    }

    public LedgerEntry? Find(string id)
    {
        lock (gate)
        {
            return byId.GetValueOrDefault(id);
        }
    }

    /// <param name="path">Only calls whose path contains this; null for all.</param>
    public LedgerView Read(string? path)
    {
        lock (gate)
        {
            LedgerEntry[] calls = string.IsNullOrEmpty(path)
                ? [.. entries]
                : [.. entries.Where(entry => entry.Path.Contains(path, StringComparison.OrdinalIgnoreCase))];
            return new LedgerView(calls, dropped);
        }
    }

    public void Clear()
    {
        lock (gate)
        {
            firstSequence += entries.Count;
            dropped = 0;
            entries.Clear();
            byId.Clear();
        }
    }

    private void DropOldest()
    {
        foreach (var entry in entries.Take(DropBatch))
        {
            byId.Remove(entry.Id);
        }

        entries.RemoveRange(0, DropBatch);
        firstSequence += DropBatch;
        dropped += DropBatch;
    }
}
