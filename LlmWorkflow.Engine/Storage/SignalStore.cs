using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.Storage;

/// <summary>Signals of jobs: kept in the job's row, so that one write stores a signal and wakes the job that waits for it.</summary>
public sealed class SignalStore(Database database)
{
    // Looks only at the row that is written, so that whoever writes it at the same moment is seen. A running job is not woken, and its event number is its
    // owner's: it finds the signal when it parks. now() is the statement's own, so only a job woken here was queued at that time.
    private const string Wakes = "(j.status = 'waiting' and $2 = any(j.wake_signals))";

    private static readonly string s_sendSql = $$"""
        with sent as (
            update llm_workflow_jobs j set
                signals = j.signals || jsonb_build_object($2, $3),
                {{ParkedJob.WakeWhere(Wakes)}}
            where j.id = $1 and not j.signals ? $2 and (select count(*) from jsonb_object_keys(j.signals)) < $5
              and j.status not in ('completed', 'failed', 'cancelled') and ($4 is null or j.user_id = $4)
            returning j.id, j.priority, j.status, j.event_seq, j.status = 'queued' and j.queued_at = now() as wakes
        ), events as (
            insert into llm_job_events (job_id, sequence, type, data)
            select id, event_seq, 'job.resumed', json_build_object('reason', 'signal', 'signal', $2) from sent where wakes
        )
        select status, wakes, priority from sent
        """;

    private const string LookSql = """
        select status, signals ->> $2, (select count(*) from jsonb_object_keys(signals)) from llm_workflow_jobs where id = $1 and ($3 is null or user_id = $3)
        """;

    /// <summary>Stores a signal; null: no such job.</summary>
    public async Task<SentSignal?> SendAsync(Guid jobId, Guid? userId, string name, string payload, int mostSignals, CancellationToken cancellationToken)
    {
        while (true)
        {
            var sent = await database.ReadAsync(
                s_sendSql,
                command =>
                {
                    command.Add(NpgsqlDbType.Uuid, jobId);
                    command.Add(NpgsqlDbType.Text, name);
                    command.Add(NpgsqlDbType.Text, payload);
                    command.Add(NpgsqlDbType.Uuid, userId);
                    command.Add(NpgsqlDbType.Integer, mostSignals);
                },
                static reader => new SentSignal(JobStatusText.Parse(reader.GetString(0)), null, IsStored: true, reader.GetBoolean(1), reader.GetInt16(2)),
                cancellationToken);
            if (sent is [var stored])
            {
                return stored;
            }

            var found = await database.ReadAsync(
                LookSql,
                command =>
                {
                    command.Add(NpgsqlDbType.Uuid, jobId);
                    command.Add(NpgsqlDbType.Text, name);
                    command.Add(NpgsqlDbType.Uuid, userId);
                },
                static reader => (Status: JobStatusText.Parse(reader.GetString(0)), Known: reader.GetText(1), Signals: reader.GetInt64(2)),
                cancellationToken);
            if (found is not [var job])
            {
                return null;
            }

            if (job.Known is not null || job.Status.IsFinal() || job.Signals >= mostSignals)
            {
                return new(job.Status, job.Known, IsStored: false, Wakes: false, Priority: 0);
            }

            // The job came into being between the two looks.
        }
    }

    /// <summary>Signals as stored: payloads are kept as text, so that their numbers and the order of their members stay as sent.</summary>
    internal static IReadOnlyDictionary<string, JsonElement> Read(string? stored) =>
        stored is null || JsonSerializer.Deserialize(stored, EngineJson.Default.DictionaryStringString) is not { } texts
            ? new Dictionary<string, JsonElement>()
            : texts.ToDictionary(t => t.Key, t => JsonElement.Parse(t.Value));
}

/// <summary>What became of a signal.</summary>
/// <param name="Status">The job's state.</param>
/// <param name="Known">Payload of an earlier signal of that name; null: there was none.</param>
/// <param name="IsStored">It was stored.</param>
/// <param name="Wakes">The job waited for it, and is queued now.</param>
/// <param name="Priority">Of the woken job.</param>
public sealed record SentSignal(JobStatus Status, string? Known, bool IsStored, bool Wakes, short Priority);
