using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.Storage;

/// <summary>Signals of jobs: kept in the job's row, so that one write stores a signal and wakes the job that waits for it.</summary>
public sealed class SignalStore(Database database)
{
    // A running job is not woken, and its event number is its owner's: it finds the signal when it parks.
    private const string SendSql = """
        with found as (
            select id, status, user_id, signals ->> $2 as known, status = 'waiting' and $2 = any(wake_signals) as wakes,
                   (select count(*) from jsonb_object_keys(signals)) as signals
            from llm_workflow_jobs where id = $1 for update
        ), sent as (
            update llm_workflow_jobs j set
                signals = j.signals || jsonb_build_object($2, $3),
                status = case when f.wakes then 'queued' else j.status end,
                queued_at = case when f.wakes then now() else j.queued_at end,
                event_seq = j.event_seq + case when f.wakes then 1 else 0 end,
                waiting_for = case when f.wakes then null else j.waiting_for end,
                wake_at = case when f.wakes then null else j.wake_at end,
                wake_signals = case when f.wakes then '{}' else j.wake_signals end
            from found f
            where j.id = f.id and f.known is null and f.signals < $5
              and f.status not in ('completed', 'failed', 'cancelled') and ($4 is null or f.user_id = $4)
            returning j.id, j.priority, j.event_seq, f.wakes
        ), events as (
            insert into llm_job_events (job_id, sequence, type, data)
            select id, event_seq, 'job.resumed', json_build_object('reason', 'signal', 'signal', $2) from sent where wakes
        )
        select f.status, f.user_id, f.known, s.id is not null, coalesce(s.wakes, false), s.priority from found f left join sent s on s.id = f.id
        """;

    /// <summary>Stores a signal; null: no such job.</summary>
    public async Task<SentSignal?> SendAsync(Guid jobId, Guid? userId, string name, string payload, int mostSignals, CancellationToken cancellationToken)
    {
        var sent = await database.ReadAsync(
            SendSql,
            command =>
            {
                command.Add(NpgsqlDbType.Uuid, jobId);
                command.Add(NpgsqlDbType.Text, name);
                command.Add(NpgsqlDbType.Text, payload);
                command.Add(NpgsqlDbType.Uuid, userId);
                command.Add(NpgsqlDbType.Integer, mostSignals);
            },
            static reader => new SentSignal(
                JobStatusText.Parse(reader.GetString(0)), reader.IsDBNull(1) ? null : reader.GetGuid(1), reader.GetText(2), reader.GetBoolean(3), reader.GetBoolean(4),
                reader.IsDBNull(5) ? (short)0 : reader.GetInt16(5)),
            cancellationToken);
        return sent is [var only] && (userId is null || only.UserId == userId) ? only : null;
    }

    /// <summary>Signals as stored: payloads are kept as text, so that their numbers and the order of their members stay as sent.</summary>
    internal static IReadOnlyDictionary<string, JsonElement> Read(string? stored) =>
        stored is null || JsonSerializer.Deserialize(stored, EngineJson.Default.DictionaryStringString) is not { } texts
            ? new Dictionary<string, JsonElement>()
            : texts.ToDictionary(t => t.Key, t => JsonElement.Parse(t.Value));
}

/// <summary>What became of a signal.</summary>
/// <param name="Status">The job's state before.</param>
/// <param name="UserId">The job's user.</param>
/// <param name="Known">Payload of an earlier signal of that name; null: there was none.</param>
/// <param name="IsStored">It was stored.</param>
/// <param name="Wakes">The job waited for it, and is queued now.</param>
/// <param name="Priority">Of the woken job.</param>
public sealed record SentSignal(JobStatus Status, Guid? UserId, string? Known, bool IsStored, bool Wakes, short Priority);
