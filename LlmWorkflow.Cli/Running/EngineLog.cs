using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Cli.Running;

/// <summary>Keeps the engine's log messages until the display is done.</summary>
/// <param name="least">Messages below are dropped.</param>
internal sealed class EngineLog(LogLevel least) : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = [];

    /// <summary>Prints what was kept.</summary>
    public void Print(TextWriter writer)
    {
        while (_lines.TryDequeue(out var line))
        {
            writer.WriteLine(line);
        }
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Lines(this);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class Lines(EngineLog log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= log.Least;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                log._lines.Enqueue($"{logLevel.ToString().ToLowerInvariant()}: {formatter(state, exception)}{(exception is null ? "" : $"{Environment.NewLine}{exception}")}");
            }
        }
    }

    private LogLevel Least => least;
}
