using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Engine.Submission;
using Microsoft.AspNetCore.Mvc;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>Submit, status and cancel.</summary>
internal static class JobEndpoints
{
    public static IReadOnlyList<RouteHandlerBuilder> MapSubmit(this IEndpointRouteBuilder api) =>
        [api.MapPost("/api/v1/workflow", SubmitAsync), api.MapPost("/api/v1/jobs", SubmitAsync)];

    public static IReadOnlyList<RouteHandlerBuilder> MapStatus(this IEndpointRouteBuilder api) =>
        [.. new[] { api.MapGet("/api/v1/status/{id}", StatusAsync), api.MapGet("/api/v1/jobs/{id}", StatusAsync) }.Select(b => b.WithMetadata(new AcceptsAccessToken()))];

    public static IReadOnlyList<RouteHandlerBuilder> MapCancel(this IEndpointRouteBuilder api) =>
        [api.MapDelete("/api/v1/workflow/{id}", CancelAsync), api.MapPost("/api/v1/jobs/{id}/cancel", CancelAsync)];

    private static async Task SubmitAsync(
        HttpContext context,
        [FromHeader(Name = "Idempotency-Key"), Description("At most 255 printable ASCII characters; belongs to the API key that sends it.")] string? idempotencyKey,
        JobSubmitter submitter,
        AccessTokens tokens,
        WaitEstimate estimate)
    {
        var (body, hasEscapes, unreadable) = await RequestBody.ReadAsync(context);
        if (unreadable is not null)
        {
            await ProblemDetailsMapping.WriteAsync(context, unreadable);
            return;
        }

        if (SubmitForm.Read(body, hasEscapes, idempotencyKey, context.Features.Get<ApiCaller>()?.KeyHash, out var issues) is not { } job)
        {
            await ProblemDetailsMapping.WriteAsync(context, SubmitForm.Error(issues), issues);
            return;
        }

        switch (await submitter.SubmitAsync(job, context.RequestAborted))
        {
            case SubmitResult.Rejected rejected:
                await ProblemDetailsMapping.WriteAsync(context, rejected.Error, rejected.Issues is [] ? null : [.. rejected.Issues.Select(InBody)]);
                break;
            case SubmitResult.Accepted accepted:
                context.Response.Headers.Location = StatusUrl(accepted.JobId);
                await WriteAsync(
                    context,
                    accepted.Repeated ? StatusCodes.Status200OK : StatusCodes.Status202Accepted,
                    Response(accepted, job, tokens, estimate),
                    ApiJson.Wire.SubmitResponse);
                break;
        }
    }

    private static async Task StatusAsync(
        HttpContext context, [Description("The job_id.")] string id, [FromQuery(Name = "user_id"), Description("Only if the job is this user's; otherwise 404.")] string? userId, JobQueries queries)
    {
        if (await JobAddress.ReadAsync(context, id, userId) is not { } address)
        {
            return;
        }

        if (await queries.FindAsync(address.JobId, context.RequestAborted) is not { } job || !address.IsOpenTo(job.Identity.UserId))
        {
            await ProblemDetailsMapping.WriteAsync(context, ApiErrors.UnknownJob);
            return;
        }

        context.Response.Headers.CacheControl = "no-store";
        await WriteAsync(context, StatusCodes.Status200OK, JobStatusMapping.ToContract(job), ApiJson.Wire.JobStatusResponse);
    }

    private static async Task CancelAsync(
        HttpContext context, [Description("The job_id.")] string id, [FromQuery(Name = "user_id"), Description("Only if the job is this user's; otherwise 404.")] string? userId, JobControl control)
    {
        if (await JobAddress.ReadAsync(context, id, userId) is not { } address)
        {
            return;
        }

        var (outcome, status) = await control.CancelAsync(address.JobId, address.UserId, context.RequestAborted);
        if (outcome is CancelOutcome.NotFound)
        {
            await ProblemDetailsMapping.WriteAsync(context, ApiErrors.UnknownJob);
            return;
        }

        var response = new CancelResponse
        {
            JobId = address.JobId,
            Status = status.ToText(),
            Cancelled = outcome is not CancelOutcome.AlreadyFinal || status is JobStatus.Cancelled,
            Message = outcome switch
            {
                CancelOutcome.Cancelled => "The job is cancelled.",
                CancelOutcome.Requested => "The job is being cancelled; its worker stops it within a second.",
                _ => $"The job had ended before: it is {status.ToText()}.",
            },
        };
        var code = outcome is CancelOutcome.Requested ? StatusCodes.Status202Accepted : StatusCodes.Status200OK;
        await WriteAsync(context, code, response, ApiJson.Wire.CancelResponse);
    }

    private static SubmitResponse Response(SubmitResult.Accepted accepted, SubmitJob job, AccessTokens tokens, WaitEstimate estimate) => new()
    {
        JobId = accepted.JobId,
        CeleryTaskId = accepted.JobId,
        Status = accepted.Status.ToText(),
        WorkflowName = job.WorkflowName,
        EstimatedWaitSeconds = accepted.Status switch
        {
            JobStatus.Queued => estimate.Seconds,
            JobStatus.Pending => null,
            _ => 0,
        },
        StatusUrl = StatusUrl(accepted.JobId),
        EventsUrl = $"/api/v1/jobs/{accepted.JobId}/events",
        AccessToken = tokens.Create(accepted.JobId),
        CreatedAt = accepted.CreatedAt,
    };

    // The engine points into the input, the caller sent a body.
    private static ProblemIssue InBody(InputIssue issue) => new() { Pointer = $"/input_data{issue.Pointer}", Message = issue.Message };

    private static string StatusUrl(Guid jobId) => $"/api/v1/jobs/{jobId}";

    private static Task WriteAsync<T>(HttpContext context, int status, T value, JsonTypeInfo<T> type)
    {
        context.Response.StatusCode = status;
        return ProblemDetailsMapping.WriteJsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(value, type));
    }
}
