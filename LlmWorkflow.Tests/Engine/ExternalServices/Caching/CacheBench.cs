using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.ExternalServices.Caching;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Tests.Engine.ExternalServices.Caching;

/// <summary>What the tests of the cache share: a question, its policy, answers.</summary>
internal static class CacheBench
{
    public static readonly CachePolicy Hour = new(TimeSpan.FromHours(1), TimeSpan.Zero);

    public static ReplyKey Key(string parameters = "{}", string service = "weather", string operation = "current") => ReplyKey.Of(service, operation, "https://example.com", parameters);

    public static ServiceOutcome Reply(string json = """{"temperature":21.5}""") => new() { Data = JsonElement.Parse(json), StatusCode = 200 };

    public static ServiceOutcome Failure(string type = ErrorTypes.UpstreamServerError, bool retryable = true, int status = 503, ErrorCategory category = ErrorCategory.External) =>
        new() { StatusCode = status, Error = new() { Type = type, Category = category, Message = "It failed.", Retryable = retryable } };

    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, limit.Token);
        }
    }

    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));
}

/// <summary>A service that answers when the test lets it.</summary>
internal sealed class ScriptedService
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ServiceOutcome> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _calls;

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>The first call has come.</summary>
    public Task Asked => _asked.Task.WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>A call was cancelled.</summary>
    public Task Cancelled => _cancelled.Task.WaitAsync(TimeSpan.FromSeconds(60));

    public void Answer(ServiceOutcome outcome) => _answer.TrySetResult(outcome);

    public async Task<ServiceOutcome> CallAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        _asked.TrySetResult();
        try
        {
            return await _answer.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            _cancelled.TrySetResult();
            throw;
        }
    }
}

/// <summary>Remembers what was told, without the values' types.</summary>
internal sealed class CacheLogger : ILogger<ResponseCache>
{
    private readonly List<(int Id, string Text)> _told = [];

    public IReadOnlyList<int> Ids
    {
        get
        {
            lock (_told)
            {
                return [.. _told.Select(line => line.Id)];
            }
        }
    }

    public string Text
    {
        get
        {
            lock (_told)
            {
                return string.Join('\n', _told.Select(line => line.Text));
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_told)
        {
            _told.Add((eventId.Id, formatter(state, exception)));
        }
    }
}

/// <summary>A clock that moves only when told; has no timers.</summary>
internal sealed class SteppedClock : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}
