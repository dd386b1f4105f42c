using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Cli.Running;

/// <summary>An error of a run as text.</summary>
internal static class ErrorText
{
    /// <summary>The message, with the step and what can be done.</summary>
    public static string Of(WorkflowError error)
    {
        var step = error.StepId is { } id && !error.Message.Contains($"'{id}'", StringComparison.Ordinal) ? $"step '{id}': " : "";
        return string.Join(Environment.NewLine, [$"error: {step}{error.Message} [{error.Type}]", .. (error.Details?.Suggestions ?? []).Select(suggestion => $"  {suggestion}")]);
    }
}
