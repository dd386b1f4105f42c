using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace LlmWorkflow.ServiceDefaults.Logging;

/// <summary>
/// One JSON object a line: <c>timestamp, level, category, event_id, event, message, trace_id, span_id</c>, then the message's and the scopes' named values
/// in snake_case (<c>job_id, workflow_name, step_id, attempt, duration_ms</c>…), then <c>exception</c>.
/// </summary>
internal sealed class JsonLineFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "json_line";

    private static readonly JsonWriterOptions WriterOptions = new()
    {
        // The reader is a log collector, not a browser: quotes and non-ASCII stay legible.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, WriterOptions))
        {
            json.WriteStartObject();
            var fields = new LogFields(json);
            json.WriteString("timestamp", time.GetUtcNow().UtcDateTime);
            json.WriteString("level", LevelName(logEntry.LogLevel));
            json.WriteString("category", logEntry.Category);
            json.WriteNumber("event_id", logEntry.EventId.Id);
            if (logEntry.EventId.Name is { } name)
            {
                json.WriteString("event", name);
            }

            json.WriteString("message", LogFields.Sound(message));
            if (Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity)
            {
                json.WriteString("trace_id", activity.TraceId.ToHexString());
                json.WriteString("span_id", activity.SpanId.ToHexString());
            }

            fields.AddRange(logEntry.State);
            AddScopes(scopeProvider, fields);
            if (logEntry.Exception is { } exception)
            {
                json.WriteString("exception_type", exception.GetType().FullName);
                json.WriteString("exception", LogFields.Sound(exception.ToString()));
            }

            json.WriteEndObject();
        }

        textWriter.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static void AddScopes(IExternalScopeProvider? provider, LogFields fields)
    {
        var scopes = new List<object?>();
        provider?.ForEachScope(static (scope, list) => list.Add(scope), scopes);
        // Outermost come first; the innermost value of a name wins.
        for (var i = scopes.Count - 1; i >= 0; i--)
        {
            fields.AddRange(scopes[i]);
        }
    }

    private static string LevelName(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        _ => "critical",
    };
}
