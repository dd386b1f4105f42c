using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Cli.Running;

/// <summary>A line per event, for logs and pipes.</summary>
internal sealed class LineView(CliHost host, RunSteps steps) : IRunView
{
    private readonly Lock _lock = new();

    /// <inheritdoc/>
    public void Start()
    {
    }

    /// <inheritdoc/>
    public void Show(JobEvent told, ShownStep? step)
    {
        var text = (told.Type, step) switch
        {
            ("step.started", { } started) => $"{started.Path}: started",
            ("step.retrying", { } retried) => $"{retried.Path}: attempt {retried.Attempts} follows: {retried.Problem}",
            (_, { } ended) => $"{ended.Path}: {StepText.Of(ended, steps.Since(ended))}{(ended.Problem is { } problem ? $": {problem}" : "")}",
            ("job.waiting", _) => "waiting",
            _ => null,
        };
        if (text is not null)
        {
            lock (_lock)
            {
                host.Error.WriteLine(text);
            }
        }
    }

    /// <inheritdoc/>
    public Task<T> PauseAsync<T>(Func<Task<T>> ask) => ask();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
