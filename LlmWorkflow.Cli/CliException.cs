namespace LlmWorkflow.Cli;

/// <summary>Ends the command: the message goes to standard error after <c>error: </c>.</summary>
/// <param name="message">What is wrong and what to do; further lines are printed below it as they are.</param>
/// <param name="exitCode">One of <see cref="ExitCodes"/>.</param>
internal sealed class CliException(string message, int exitCode = ExitCodes.Usage) : Exception(message)
{
    /// <summary>What the process ends with.</summary>
    public int ExitCode { get; } = exitCode;
}

/// <summary>What the process ends with.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>The run failed, or something was found.</summary>
    public const int Failure = 1;

    /// <summary>Wrong options, an invalid definition or input: nothing was done.</summary>
    public const int Usage = 2;

    /// <summary>Ended by Ctrl-C; 128 and the number of the signal.</summary>
    public const int Interrupted = 130;
}
