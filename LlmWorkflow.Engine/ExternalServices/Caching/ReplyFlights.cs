namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>
/// One look-up or call per question inside a process: who asks the same meanwhile waits for it. A flight goes on while anybody waits, whoever began it, and is
/// cancelled when all have gone.
/// </summary>
internal sealed class ReplyFlights
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Flight> _flights = new(StringComparer.Ordinal);

    /// <summary>Joins the question's flight, or begins one, and waits for its end.</summary>
    /// <param name="key">The question.</param>
    /// <param name="fly">The flight; runs in the context of whoever begins it, and gets a token of its own.</param>
    /// <param name="cancellationToken">Ends the wait, and the flight when nobody else waits.</param>
    /// <returns>What it found, and whether this caller began it. Null: another's flight was cancelled by itself; ask again.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<(FlightResult Result, bool Led)?> FlyAsync(ReplyKey key, Func<CancellationToken, Task<FlightResult>> fly, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Flight? flight;
        bool leads;
        lock (_lock)
        {
            leads = !_flights.TryGetValue(key.Text, out flight);
            if (leads)
            {
                _flights[key.Text] = flight = new(key.Text);
            }

            flight!.Waiting++;
        }

        if (leads)
        {
            _ = Task.Run(() => RunAsync(flight, fly), CancellationToken.None);
        }

        try
        {
            return (await flight.Done.Task.WaitAsync(cancellationToken), leads);
        }
        catch (OperationCanceledException) when (!leads && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            Leave(flight);
        }
    }

    /// <summary>Lets nobody else join flights under way: what they bring is out of date.</summary>
    public void Forget(CacheFilter filter)
    {
        lock (_lock)
        {
            foreach (var key in _flights.Keys.Where(filter.Matches).ToList())
            {
                _flights.Remove(key);
            }
        }
    }

    private async Task RunAsync(Flight flight, Func<CancellationToken, Task<FlightResult>> fly)
    {
        try
        {
            var result = await fly(flight.Stop.Token);
            Close(flight);
            flight.Done.TrySetResult(result);
        }
        catch (OperationCanceledException e)
        {
            Close(flight);
            flight.Done.TrySetCanceled(e.CancellationToken);
        }
        catch (Exception e)
        {
            // Whatever it is belongs to those who wait.
            Close(flight);
            flight.Done.TrySetException(e);
            _ = flight.Done.Task.Exception;
        }
    }

    private void Leave(Flight flight)
    {
        lock (_lock)
        {
            if (--flight.Waiting > 0 || flight.Done.Task.IsCompleted)
            {
                return;
            }

            Remove(flight);
        }

        flight.Stop.Cancel();
    }

    private void Close(Flight flight)
    {
        lock (_lock)
        {
            Remove(flight);
        }
    }

    private void Remove(Flight flight)
    {
        if (_flights.TryGetValue(flight.Key, out var current) && current == flight)
        {
            _flights.Remove(flight.Key);
        }
    }

    private sealed class Flight(string key)
    {
        public string Key { get; } = key;

        public TaskCompletionSource<FlightResult> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // Never disposed: it has no timer and no wait handle, and the flight may still look at it when the last one leaves.
        public CancellationTokenSource Stop { get; } = new();

        public int Waiting { get; set; }
    }
}
