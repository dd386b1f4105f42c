using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using LlmWorkflow.Api.Events;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>Server-sent events of a job, from any API instance.</summary>
internal static class JobEventEndpoints
{
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(2);

    public static RouteHandlerBuilder MapJobEvents(this IEndpointRouteBuilder api) => api.MapGet("/api/v1/jobs/{id}/events", StreamAsync).WithMetadata(new AcceptsAccessToken());

    private static async Task StreamAsync(
        HttpContext context,
        [Description("The job_id.")] string id,
        [FromHeader(Name = "Last-Event-ID"), Description("Resumes after this durable event.")] string? lastEventId,
        [FromQuery(Name = "last_event_id"), Description("The same, for clients that cannot set headers.")] string? lastEventIdInQuery,
        [FromQuery(Name = "user_id"), Description("Only if the job is this user's; otherwise 404.")] string? userId,
        JobQueries queries,
        JobEventBus bus,
        IHostApplicationLifetime lifetime,
        TimeProvider time)
    {
        if (await JobAddress.ReadAsync(context, id, userId) is not { } address)
        {
            return;
        }

        // The header is the browser's own, so it is newer than what the page put into the URL.
        var given = lastEventId ?? lastEventIdInQuery;
        var last = 0L;
        if (!string.IsNullOrEmpty(given) && !long.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out last))
        {
            await ProblemDetailsMapping.WriteAsync(
                context, ApiErrors.Invalid("The last event id must be a sequence number, as given in 'id:'."),
                [new() { Parameter = lastEventId is null ? "last_event_id" : "Last-Event-ID", Message = "must be a whole number from 0" }]);
            return;
        }

        if (await queries.FindStateAsync(address.JobId, context.RequestAborted) is not { } job || !address.IsOpenTo(job.UserId))
        {
            await ProblemDetailsMapping.WriteAsync(context, ApiErrors.UnknownJob);
            return;
        }

        // A server that stops ends its streams: the client goes on at another one.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await using var reader = await JobEventReader.OpenAsync(address.JobId, last, queries, bus);
            await RunAsync(context, address.JobId, reader, queries, time, end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The client left, or the server stops.
        }
    }

    private static async Task RunAsync(
        HttpContext context, Guid jobId, JobEventReader reader, JobQueries queries, TimeProvider time, CancellationToken cancellationToken)
    {
        var frames = await reader.ReadAsync(cancellationToken);
        if (frames.Count == 0 && reader.IsOver)
        {
            // The client has it all. 204 is what tells a browser's EventSource not to come back.
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        Begin(context);
        // From here on it polls, for minutes: spans of each look would bury the trace. The request's own span is not touched.
        Activity.Current = null;
        var writer = new EventStreamWriter(context.Response.BodyWriter, jobId);
        writer.Retry(RetryPause);
        var written = time.GetTimestamp();
        while (true)
        {
            foreach (var frame in frames)
            {
                writer.Write(frame);
            }

            var silence = time.GetElapsedTime(written);
            if (frames.Count == 0 && silence >= HeartbeatEvery)
            {
                writer.Heartbeat();
            }

            if (frames.Count > 0 || silence >= HeartbeatEvery || context.Response.HasStarted is false)
            {
                written = time.GetTimestamp();
                if (!await writer.FlushAsync(cancellationToken))
                {
                    return;
                }
            }

            if (reader.IsOver)
            {
                return;
            }

            var untilHeartbeat = HeartbeatEvery - time.GetElapsedTime(written);
            await reader.WaitAsync(untilHeartbeat > TimeSpan.Zero ? untilHeartbeat : TimeSpan.Zero, cancellationToken);
            frames = await ReadAsync(reader, cancellationToken);
            // A job that was deleted meanwhile has no last event.
            if (frames.Count == 0 && time.GetElapsedTime(written) >= HeartbeatEvery && await IsGoneAsync(queries, jobId, cancellationToken))
            {
                return;
            }
        }
    }

    private static void Begin(HttpContext context)
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache, no-store";
        // nginx buffers answers unless told not to.
        context.Response.Headers["X-Accel-Buffering"] = "no";
    }

    // The stream outlives a restart of the database: the next look finds what was missed.
    private static async Task<IReadOnlyList<EventFrame>> ReadAsync(JobEventReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(cancellationToken);
        }
        catch (Exception e) when (Database.IsTransient(e))
        {
            await reader.WaitAsync(RetryPause, cancellationToken);
            return [];
        }
    }

    private static async Task<bool> IsGoneAsync(JobQueries queries, Guid jobId, CancellationToken cancellationToken)
    {
        try
        {
            return await queries.FindStateAsync(jobId, cancellationToken) is null;
        }
        catch (Exception e) when (Database.IsTransient(e))
        {
            return false;
        }
    }
}
