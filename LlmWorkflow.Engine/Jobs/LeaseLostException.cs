namespace LlmWorkflow.Engine.Jobs;

/// <summary>The job is no longer ours: whoever sees this stops at once, writes nothing more and tells nobody.</summary>
public sealed class LeaseLostException() : Exception("The lease on the job is lost.");
