namespace LlmWorkflow.Engine.Execution;

/// <summary>How far a list of steps is, with the lists inside the step that runs. Written by several tasks at once.</summary>
internal sealed class RunProgress
{
    private readonly Lock _lock;
    private readonly int _count;
    private readonly double _share;
    private readonly HashSet<RunProgress> _running = [];
    private double _ended;
    private int _done;

    /// <summary>The whole run: so many steps.</summary>
    public RunProgress(int count)
        : this(count, 1, new Lock())
    {
    }

    private RunProgress(int count, double share, Lock gate)
    {
        _count = count;
        _share = share;
        _lock = gate;
    }

    /// <summary>0 to 100.</summary>
    public short Percent
    {
        get
        {
            lock (_lock)
            {
                // Sums of thirds and the like stay a little below the whole.
                return (short)Math.Min(100, (100 * Fraction()) + 1e-6);
            }
        }
    }

    /// <summary>A step of this list has ended.</summary>
    public void StepEnded()
    {
        lock (_lock)
        {
            _done++;
            _ended = 0;
            _running.Clear();
        }
    }

    /// <summary>A list inside the running step, which is <paramref name="share"/> of that step.</summary>
    public RunProgress Begin(int count, double share)
    {
        var inner = new RunProgress(count, share, _lock);
        lock (_lock)
        {
            _running.Add(inner);
        }

        return inner;
    }

    /// <summary>The list inside has ended.</summary>
    public void End(RunProgress inner)
    {
        lock (_lock)
        {
            if (_running.Remove(inner))
            {
                _ended += inner._share;
            }
        }
    }

    private double Fraction() => _count == 0 ? 1 : (_done + Math.Min(1, _ended + _running.Sum(inner => inner._share * inner.Fraction()))) / _count;
}
