using System.Collections.Concurrent;
using LlmWorkflow.ServiceDefaults.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;

namespace LlmWorkflow.ServiceDefaults.Telemetry;

/// <summary>Gives a message's values the names they have in the JSON lines (<c>duration_ms</c>, not <c>DurationMs</c>), so that one query fits both.</summary>
internal sealed class LogAttributeNames : BaseProcessor<LogRecord>
{
    // The names are those in message templates, which are constants.
    private static readonly ConcurrentDictionary<string, string> Names = new(StringComparer.Ordinal);

    public override void OnEnd(LogRecord data)
    {
        if (data.Attributes is { Count: > 0 } attributes)
        {
            data.Attributes = [.. attributes.Select(static attribute => attribute.Key == "{OriginalFormat}"
                ? attribute
                : new KeyValuePair<string, object?>(Names.GetOrAdd(attribute.Key, LogFields.SnakeCase), attribute.Value))];
        }
    }
}
