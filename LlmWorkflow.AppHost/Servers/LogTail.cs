namespace LlmWorkflow.AppHost.Servers;

/// <summary>Hands lines on and keeps the last of them, to be shown when something fails.</summary>
internal sealed class LogTail(Action<string> next)
{
    private const int Kept = 20;
    private readonly Lock gate = new();
    private readonly Queue<string> lines = new(Kept);

    public string Text
    {
        get
        {
            lock (gate)
            {
                return string.Join('\n', lines);
            }
        }
    }

    public void Add(string line)
    {
        lock (gate)
        {
            if (lines.Count == Kept)
            {
                lines.Dequeue();
            }

            lines.Enqueue(line);
        }

        next(line);
    }

    public void Clear()
    {
        lock (gate)
        {
            lines.Clear();
        }
    }
}
