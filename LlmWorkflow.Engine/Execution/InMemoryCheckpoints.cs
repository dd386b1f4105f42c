using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Execution;

/// <summary>Checkpoints of a run without servers: they last as long as the process.</summary>
public sealed class InMemoryCheckpoints : ICheckpointStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(Guid Job, string Path), StepRun> _steps = [];
    private readonly Dictionary<(Guid Job, string Path), DateTimeOffset> _starts = [];
    private readonly Dictionary<Guid, long> _sequences = [];

    /// <inheritdoc/>
    public Task<JobHistory> ReadAsync(Guid jobId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult(new JobHistory(
                _steps.Where(s => s.Key.Job == jobId).ToDictionary(s => s.Key.Path, s => s.Value),
                _starts.Where(s => s.Key.Job == jobId).ToDictionary(s => s.Key.Path, s => s.Value)));
        }
    }

    /// <inheritdoc/>
    public Task<CheckpointResult> SaveAsync(Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        var jobId = checkpoint.Fence.JobId;
        lock (_lock)
        {
            if (_sequences.GetValueOrDefault(jobId, checkpoint.EventSequence) > checkpoint.EventSequence)
            {
                return Task.FromResult(default(CheckpointResult));
            }

            _sequences[jobId] = checkpoint.EventSequence + checkpoint.Events.Count;
            if (checkpoint.Step is { } step)
            {
                _steps[(jobId, step.StepPath)] = step;
            }

            if (checkpoint.Started is { } start)
            {
                _starts.TryAdd((jobId, start.StepPath), start.At);
            }

            return Task.FromResult(new CheckpointResult(Owned: true, CancelRequested: false));
        }
    }
}
