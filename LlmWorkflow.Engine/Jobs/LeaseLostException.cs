namespace LlmWorkflow.Engine.Jobs;

/// <summary>This worker no longer owns the job. Whoever catches it stops silently: the new owner tells the story from here.</summary>
/// <param name="fence">The fence that is no longer the job's.</param>
public sealed class LeaseLostException(Fence fence)
    : Exception($"Lease {fence.Number} on job {fence.JobId} is lost.")
{
    /// <summary>The fence that is no longer the job's.</summary>
    public Fence Fence { get; } = fence;
}
