using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Execution;

/// <summary>Checkpoints of a run without servers: they last as long as the process.</summary>
public sealed class InMemoryCheckpoints : ICheckpointStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(Guid Job, string Path), StepRun> _steps = [];
    private readonly Dictionary<Guid, long> _sequences = [];

    /// <inheritdoc/>
    public Task<JobHistory> ReadAsync(Guid jobId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var steps = _steps.Where(s => s.Key.Job == jobId).ToDictionary(s => s.Key.Path, s => s.Value);
            return Task.FromResult(new JobHistory(steps, steps.ToDictionary(s => s.Key, s => s.Value.StartedAt)));
        }
    }

    /// <inheritdoc/>
    public Task<CheckpointResult> SaveAsync(Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_sequences.GetValueOrDefault(checkpoint.Fence.JobId, checkpoint.EventSequence) != checkpoint.EventSequence)
            {
                return Task.FromResult(default(CheckpointResult));
            }

            _sequences[checkpoint.Fence.JobId] = checkpoint.EventSequence + checkpoint.Events.Count;
            if (checkpoint.Step is { } step)
            {
                _steps[(checkpoint.Fence.JobId, step.StepPath)] = step;
            }

            return Task.FromResult(new CheckpointResult(Owned: true, CancelRequested: false));
        }
    }
}
