using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>What a change of the gate depends on beside its state.</summary>
/// <param name="Now">Milliseconds of Unix time by the one clock that counts: Redis's, or this process's when it is alone.</param>
/// <param name="Process">Names the process among those that share the state.</param>
/// <param name="Limits">Limits of <c>limits.json</c>.</param>
/// <param name="Workers">Among how many processes without common state the limits are divided; 1: all share this state.</param>
/// <param name="Jitter">From 0 to 1, by chance.</param>
internal sealed record GateMoment(long Now, string Process, ModelLimits Limits, int Workers, double Jitter);

/// <summary>A call in flight, as the process that made it remembers it.</summary>
/// <param name="Id">Id of its <see cref="GatePass"/>.</param>
/// <param name="Entered">When it was let through, in <see cref="GateMoment.Now"/>'s time.</param>
/// <param name="Ask">What it asked.</param>
/// <param name="Before">How many calls the gate had let through before.</param>
internal sealed record GateCall(Guid Id, long Entered, GateAsk Ask, long Before);

/// <summary>What a gate decided.</summary>
internal enum GateDecision
{
    Pass,
    Wait,
    Refused,
}

/// <summary>Answer to one ask.</summary>
/// <param name="Decision">What was decided.</param>
/// <param name="Rest">Milliseconds to wait, or until the breaker's next probe.</param>
/// <param name="Reason">Of a wait.</param>
/// <param name="Placed">A place was taken for it in this turn.</param>
internal readonly record struct GateVerdict(GateDecision Decision, long Rest = 0, GateWaitReason Reason = default, bool Placed = false);

/// <summary>A gate after an ask.</summary>
/// <param name="State">The next state.</param>
/// <param name="Verdict">The answer.</param>
/// <param name="Place">The ask's place, in the gate's time, to be remembered under its ticket; null: none.</param>
internal readonly record struct GateStep(GateState State, GateVerdict Verdict, long? Place);
