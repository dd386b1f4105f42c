using System.Diagnostics;
using OpenTelemetry;

namespace LlmWorkflow.ServiceDefaults.Telemetry;

/// <summary>
/// Leaves the traces of health probes unrecorded, with all that happens under them. A processor and not a sampler, so that <c>OTEL_TRACES_SAMPLER</c> keeps its meaning.
/// </summary>
internal sealed class ProbeFilter : BaseProcessor<Activity>
{
    private static readonly HashSet<string> Probes = new(StringComparer.OrdinalIgnoreCase) { "/alive", "/health", "/api/v1/health" };

    public override void OnStart(Activity data)
    {
        if (data.Kind == ActivityKind.Server && data.GetTagItem("url.path") is string path && Probes.Contains(path))
        {
            data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            data.IsAllDataRequested = false;
        }
    }
}
