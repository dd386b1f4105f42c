namespace LlmWorkflow.Tests.Support;

/// <summary>A clock that stands still until it is moved. Timers run on real time.</summary>
internal sealed class ManualTime(DateTimeOffset now) : TimeProvider
{
    private DateTimeOffset _now = now;

    public void Advance(TimeSpan by) => _now += by;

    public override DateTimeOffset GetUtcNow() => _now;
}
