using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmWorkflow.Api.Events;

/// <summary>Writes server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).</summary>
internal sealed class EventStreamWriter(PipeWriter output, Guid jobId)
{
    // The stream is read by JSON parsers; the default encoder would triple the size of non-Latin text.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Its own names win over what an event's data may hold.
    private static readonly string[] Reserved = ["job_id", "sequence", "type", "timestamp"];

    /// <summary>Tells the client how long to wait before it connects again.</summary>
    public void Retry(TimeSpan pause) => Line(string.Create(CultureInfo.InvariantCulture, $"retry: {pause.TotalMilliseconds}\n\n"));

    /// <summary>A comment, which clients ignore: keeps proxies from closing the connection, and shows both ends that it lives.</summary>
    public void Heartbeat() => Line(": heartbeat\n\n");

    /// <summary>One event.</summary>
    public void Write(EventFrame frame)
    {
        // Only durable events have an id: a client that comes back must not skip one because it saw text after it.
        Line(frame.Stored is { } stored
            ? string.Create(CultureInfo.InvariantCulture, $"id: {stored.Sequence}\nevent: {frame.Type}\ndata: ")
            : $"event: {frame.Type}\ndata: ");
        using (var json = new Utf8JsonWriter(output, WriterOptions))
        {
            json.WriteStartObject();
            json.WriteString("job_id", jobId);
            if (frame.Stored is { } durable)
            {
                json.WriteNumber("sequence", durable.Sequence);
                json.WriteString("type", frame.Type);
                json.WriteString("timestamp", durable.CreatedAt.UtcDateTime);
                foreach (var property in durable.Data.EnumerateObject().Where(p => !Reserved.Contains(p.Name)))
                {
                    property.WriteTo(json);
                }
            }
            else
            {
                json.WriteString("type", frame.Type);
                json.WriteString("step_id", frame.StepPath[(frame.StepPath.LastIndexOf('/') + 1)..]);
                json.WriteString("step_path", frame.StepPath);
                json.WriteNumber("call", frame.Call);
                if (frame.Text is { } text)
                {
                    json.WriteString("text", text);
                }
            }

            json.WriteEndObject();
        }

        Line("\n\n");
    }

    /// <summary>Sends what was written. False: the client is gone.</summary>
    public async ValueTask<bool> FlushAsync(CancellationToken cancellationToken) => !(await output.FlushAsync(cancellationToken)).IsCompleted;

    private void Line(string text) => Encoding.UTF8.GetBytes(text, output);
}
