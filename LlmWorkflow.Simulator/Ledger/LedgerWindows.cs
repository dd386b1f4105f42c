using LlmWorkflow.Simulator.Control;

namespace LlmWorkflow.Simulator.Ledger;

/// <summary>The answer of <c>GET /_control/ledger/windows</c>: what a provider's limits let through, by time of arrival.</summary>
/// <param name="Seconds">Length of a window.</param>
/// <param name="Answered">Calls answered with a reply, cut ones included.</param>
/// <param name="Limited">Calls answered with 429.</param>
/// <param name="Failed">Calls answered with another error.</param>
/// <param name="Most">Most calls, however they were answered, that arrived within any time of that length: the largest sliding window.</param>
/// <param name="Windows">Side by side from the first call on; the last one holds the last call. Empty ones are listed too.</param>
internal sealed record LedgerWindows(double Seconds, int Answered, int Limited, int Failed, int Most, IReadOnlyList<LedgerWindow> Windows)
{
    // A ledger that spans days is not worth a list of empty seconds.
    private const int MostWindows = 10_000;

    /// <param name="calls">Calls in any order.</param>
    /// <param name="model">Only those that asked for it, as in a behavior's <c>match.model</c>; null: all.</param>
    /// <param name="length">Of a window.</param>
    public static LedgerWindows Of(IEnumerable<LedgerEntry> calls, string? model, TimeSpan length)
    {
        var match = new BehaviorMatch { Model = model };
        List<LedgerEntry> chosen = [.. calls.Where(call => match.Matches(call.Path, call.Model, "")).OrderBy(call => call.At)];
        List<LedgerWindow> windows = [];
        var first = chosen.Count > 0 ? chosen[0].At : default;
        foreach (var call in chosen)
        {
            var index = (int)Math.Min(MostWindows - 1, (call.At - first) / length);
            while (windows.Count <= index)
            {
                windows.Add(new LedgerWindow(first + (windows.Count * length), 0, 0, 0));
            }

            windows[index] = windows[index].With(call);
        }

        return new LedgerWindows(
            length.TotalSeconds, windows.Sum(window => window.Answered), windows.Sum(window => window.Limited), windows.Sum(window => window.Failed),
            MostWithin(chosen, length), windows);
    }

    // In order of arrival: each call ends a window, whose begin moves up behind it.
    private static int MostWithin(List<LedgerEntry> calls, TimeSpan length)
    {
        var most = 0;
        for (int first = 0, last = 0; last < calls.Count; last++)
        {
            while (calls[last].At - calls[first].At >= length)
            {
                first++;
            }

            most = Math.Max(most, last - first + 1);
        }

        return most;
    }
}

/// <summary>Calls that arrived from a time on, for the length of a window.</summary>
internal sealed record LedgerWindow(DateTimeOffset From, int Answered, int Limited, int Failed)
{
    public LedgerWindow With(LedgerEntry call) => call switch
    {
        { Status: StatusCodes.Status429TooManyRequests } => this with { Limited = Limited + 1 },
        { Outcome: CallOutcome.Error } => this with { Failed = Failed + 1 },
        _ => this with { Answered = Answered + 1 },
    };
}
