namespace LlmWorkflow.Engine.Storage;

/// <summary>SQL of parked jobs that more than one store needs.</summary>
internal static class ParkedJob
{
    /// <summary>
    /// Assignments that queue a parked job (alias <c>j</c>) again where a condition on its row holds. A running job is left alone: its event number is its owner's.
    /// </summary>
    public static string WakeWhere(string condition) => $"""
        status = case when {condition} then 'queued' else j.status end,
        queued_at = case when {condition} then now() else j.queued_at end,
        event_seq = j.event_seq + case when {condition} then 1 else 0 end,
        waiting_for = case when {condition} then null else j.waiting_for end,
        wake_at = case when {condition} then null else j.wake_at end,
        wake_signals = case when {condition} then '{"{}"}' else j.wake_signals end
        """;
}
