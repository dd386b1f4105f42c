using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Definitions;

internal static partial class CatalogLog
{
    [LoggerMessage(1601, LogLevel.Information, "Loaded {Workflows} workflows; {Problems} files are broken")]
    public static partial void Loaded(ILogger logger, int workflows, int problems);

    [LoggerMessage(1602, LogLevel.Error, "{File}:{Line}:{Column} {Code} {Issue} ({Issues} issues; last good version in use: {LastGoodInUse})")]
    public static partial void Broken(ILogger logger, string file, int line, int column, string code, string issue, int issues, bool lastGoodInUse);

    [LoggerMessage(1603, LogLevel.Warning, "Workflow files cannot be watched; they are looked at every 5 s instead")]
    public static partial void NotWatching(ILogger logger, Exception exception);

    [LoggerMessage(1604, LogLevel.Warning, "Workflow files could not be read; trying again in 5 s")]
    public static partial void ReloadFailed(ILogger logger, Exception exception);
}
