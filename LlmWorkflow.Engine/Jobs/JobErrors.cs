using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Jobs;

/// <summary>Why jobs end without a result, apart from their steps' errors.</summary>
internal static class JobErrors
{
    public static WorkflowError Cancelled { get; } = new()
    {
        Type = ErrorTypes.Cancelled, Category = ErrorCategory.User, Message = "The job was cancelled by request.",
    };

    public static WorkflowError TimedOut(JobIdentity job) => new()
    {
        Type = ErrorTypes.JobTimeout,
        Category = ErrorCategory.User,
        Message = $"The job ran longer than the timeout_seconds of workflow '{job.WorkflowName}'.",
        Details = new() { Suggestions = ["Raise timeout_seconds of the workflow.", "Look at the steps' durations."] },
    };

    public static WorkflowError MissingDefinition(JobIdentity job) => new()
    {
        Type = ErrorTypes.InvalidDefinition,
        Category = ErrorCategory.Config,
        Message = $"The definition of workflow '{job.WorkflowName}' that the job was submitted with ({job.DefinitionHash[..12]}…) cannot be read.",
        Details = new() { Suggestions = ["Submit the job again."] },
    };

    public static WorkflowError EngineFault(Exception exception) => new()
    {
        Type = ErrorTypes.InternalError,
        Category = ErrorCategory.System,
        Message = $"The job failed by a fault of the service ({exception.GetType().Name}).",
        Details = new() { Suggestions = ["Look the job up in the worker's log.", "Report it with the log line."] },
    };

    public static WorkflowError WorkerCrashed(int deaths) => new()
    {
        Type = ErrorTypes.WorkerCrashed,
        Category = ErrorCategory.System,
        Message = $"The workers that ran the job died {deaths} times; it is not tried again.",
        Details = new() { Suggestions = ["Look at the workers' logs around the last step.", "Retry the job when the cause is gone."] },
    };
}
