using System.Globalization;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Cli.Running;

/// <summary>An error of a run as text.</summary>
internal static class ErrorText
{
    /// <summary>The message, with the step and what can be done.</summary>
    public static string Of(WorkflowError error)
    {
        var step = error.StepId is { } id && !error.Message.Contains($"'{id}'", StringComparison.Ordinal) ? $"step '{id}': " : "";
        var after = error is { Retryable: true, RetryAfter: { } seconds } ? string.Create(CultureInfo.InvariantCulture, $", retry after {seconds:0.#} s") : "";
        return string.Join(Environment.NewLine, [$"error: {step}{error.Message} [{error.Type}{after}]", .. (error.Details?.Suggestions ?? []).Select(suggestion => $"  {suggestion}")]);
    }
}
