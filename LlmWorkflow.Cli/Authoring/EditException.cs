namespace LlmWorkflow.Cli.Authoring;

/// <summary>An edit that cannot be done; nothing was changed.</summary>
/// <param name="message">Why, and what would do.</param>
internal sealed class EditException(string message) : Exception(message);
