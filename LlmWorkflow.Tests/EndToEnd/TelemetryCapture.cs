using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LlmWorkflow.Tests.EndToEnd;

/// <summary>All spans of one trace, and the names of the product's metrics, as a collector would get them.</summary>
internal sealed class TelemetryCapture : IDisposable
{
    private static readonly string[] Sources = ["LlmWorkflow", "Microsoft.AspNetCore", "System.Net.Http", "Npgsql"];

    private readonly ActivityListener _spans;
    private readonly MeterListener _metrics = new();

    public TelemetryCapture()
    {
        _spans = new ActivityListener
        {
            ShouldListenTo = source => Sources.Contains(source.Name),
            // Only this trace: other tests run beside this one.
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                options.TraceId == TraceId ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = span =>
            {
                if (span.TraceId == TraceId)
                {
                    Spans.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(_spans);
        _metrics.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "LlmWorkflow")
            {
                Instruments.TryAdd(instrument.Name, true);
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _metrics.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Measured.TryAdd(Series(instrument, tags), true));
        _metrics.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Measured.TryAdd(Series(instrument, tags), true));
        _metrics.Start();
    }

    public ActivityTraceId TraceId { get; } = ActivityTraceId.CreateRandom();

    public ActivitySpanId Caller { get; } = ActivitySpanId.CreateRandom();

    /// <summary>What a caller that is traced sends.</summary>
    public string TraceParent => $"00-{TraceId}-{Caller}-01";

    public ConcurrentQueue<Activity> Spans { get; } = new();

    public ConcurrentDictionary<string, bool> Instruments { get; } = new();

    /// <summary>Instruments that were used, each with its attributes: <c>llmworkflow.jobs llmworkflow.job.status=completed …</c>.</summary>
    public ConcurrentDictionary<string, bool> Measured { get; } = new();

    public Activity? Child(ActivitySpanId parent, string name) =>
        Spans.FirstOrDefault(span => span.ParentSpanId == parent && (span.DisplayName == name || span.OperationName == name));

    public void Observe() => _metrics.RecordObservableInstruments();

    public void Dispose()
    {
        _spans.Dispose();
        _metrics.Dispose();
    }

    private static string Series(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}").Order(StringComparer.Ordinal).Prepend(instrument.Name));
}
