using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Makes the errors of expressions.</summary>
internal static class ExpressionFault
{
    // So much of a long text is shown on each side of the position.
    private const int Shown = 80;

    /// <summary>An error that names a place.</summary>
    /// <param name="problem">What is wrong, without a full stop.</param>
    /// <param name="position">Index in <paramref name="source"/>; the message counts from 1.</param>
    /// <param name="source">The text that holds the expression.</param>
    /// <param name="inner">The cause.</param>
    public static WorkflowException At(string problem, int position, string source, Exception? inner = null) => new(
        new WorkflowError
        {
            Type = ErrorTypes.ExpressionError,
            Category = ErrorCategory.Config,
            Message = $"{problem} at position {position + 1} of \"{Excerpt(source, position)}\".",
        },
        inner);

    /// <summary>The text around a position.</summary>
    public static string Excerpt(string source, int position)
    {
        int from = source.Length <= 2 * Shown ? 0 : Math.Clamp(position - Shown, 0, source.Length);
        int to = Math.Min(source.Length, from + (2 * Shown));
        return $"{(from > 0 ? "…" : "")}{source[from..to]}{(to < source.Length ? "…" : "")}";
    }
}
