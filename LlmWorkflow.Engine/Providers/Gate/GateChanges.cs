using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>Tells logs and metrics what a change of a gate has brought, once: by the process that wrote it.</summary>
internal static class GateChanges
{
    public static void Tell(GateKey key, GateTurn turn, ILogger logger)
    {
        TellPauses(key, turn.Before.Gate, turn.After.Gate, turn.At.Now, logger);
        TellBreaker(key, turn.Before.Breaker, turn.After.Breaker, turn.At.Now, logger);
    }

    private static void TellPauses(GateKey key, GateState before, GateState after, long now, ILogger logger)
    {
        if (after.PausedUntil is { } end && after.RefusedAt != before.RefusedAt)
        {
            EngineTelemetry.GatePauses.Add(
                1, [new(EngineTelemetry.Tags.Provider, key.Provider), new(EngineTelemetry.Tags.RequestModel, key.Model), new(EngineTelemetry.Tags.GateReason, GateErrors.Name(after.Reason))]);
            if (before.PausedUntil is null)
            {
                GateLog.Paused(logger, key.Provider, key.Model, (end - now) / 1000.0, after.Reason);
            }
        }
        else if (before.PausedUntil is not null && after.PausedUntil is null)
        {
            GateLog.Resumed(logger, key.Provider, key.Model);
        }
    }

    private static void TellBreaker(GateKey key, BreakerState before, BreakerState after, long now, ILogger logger)
    {
        var (was, state) = (State(before), State(after));
        if (was == state && before.Opened == after.Opened)
        {
            return;
        }

        EngineTelemetry.GateBreakerChanges.Add(1, [new(EngineTelemetry.Tags.Provider, key.Provider), new(EngineTelemetry.Tags.BreakerState, state)]);
        if (!before.IsOpen && after.OpenUntil is { } until)
        {
            GateLog.BreakerOpened(logger, key.Provider, (until - now) / 1000.0);
        }
        else if (before.IsOpen && !after.IsOpen)
        {
            GateLog.BreakerClosed(logger, key.Provider);
        }
    }

    private static string State(BreakerState breaker) => !breaker.IsOpen ? "closed" : breaker.ProbeUntil is null ? "open" : "half_open";
}
