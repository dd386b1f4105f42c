using System.ComponentModel;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Submission;
using Microsoft.AspNetCore.Mvc;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>Signals, which <c>approval</c> steps wait for.</summary>
internal static class SignalEndpoints
{
    public static RouteHandlerBuilder MapSignals(this IEndpointRouteBuilder api) => api.MapPost("/api/v1/jobs/{id}/signals/{signal}", SendAsync);

    private static async Task SendAsync(
        HttpContext context,
        [Description("The job_id.")] string id,
        [Description("The name that the step waits for: " + SignalName.Rule + ".")] string signal,
        [FromQuery(Name = "user_id"), Description("Only if the job is this user's; otherwise 404.")] string? userId,
        JobSignals signals)
    {
        if (await JobAddress.ReadAsync(context, id, userId) is not { } address)
        {
            return;
        }

        if (!SignalName.IsValid(signal))
        {
            await ProblemDetailsMapping.WriteAsync(
                context, ApiErrors.Invalid($"signal must be {SignalName.Rule}."), [new() { Parameter = "signal", Message = $"must be {SignalName.Rule}" }]);
            return;
        }

        var (payload, error, issues) = await PayloadAsync(context);
        if (error is not null)
        {
            await ProblemDetailsMapping.WriteAsync(context, error, issues);
            return;
        }

        var (result, status) = await signals.SendAsync(address.JobId, address.UserId, signal, payload, context.RequestAborted);
        if (result is not (SignalResult.Accepted or SignalResult.Repeated))
        {
            await ProblemDetailsMapping.WriteAsync(context, Refusal(result, signal, status));
            return;
        }

        context.Response.StatusCode = result is SignalResult.Accepted ? StatusCodes.Status202Accepted : StatusCodes.Status200OK;
        var response = new SignalResponse { JobId = address.JobId, Signal = signal, Status = status.ToText(), Repeated = result is SignalResult.Repeated };
        await ProblemDetailsMapping.WriteJsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(response, ApiJson.Wire.SignalResponse));
    }

    // A signal without a body says only that it happened.
    private static async Task<(JsonElement Payload, WorkflowError? Error, IReadOnlyList<ProblemIssue>? Issues)> PayloadAsync(HttpContext context)
    {
        if (context.Request is { ContentLength: 0 } or { ContentLength: null, ContentType: null })
        {
            return default;
        }

        var (body, hasEscapes, unreadable) = await RequestBody.ReadAsync(context);
        if (unreadable is not null)
        {
            return (default, unreadable, null);
        }

        if (body.GetRawText().Length > JobSignals.MaxPayloadBytes)
        {
            return (default, ApiErrors.LargeSignal, null);
        }

        List<ProblemIssue> issues = [];
        if (hasEscapes)
        {
            TextFaults.Find(body, issues);
        }

        return issues.Count == 0 ? (body, null, null) : (default, ApiErrors.Invalid("The payload holds text that cannot be stored."), issues);
    }

    private static WorkflowError Refusal(SignalResult result, string signal, JobStatus status) => result switch
    {
        SignalResult.Conflict => ApiErrors.SignalConflict(signal),
        SignalResult.JobEnded => ApiErrors.JobEnded(status.ToText()),
        SignalResult.TooMany => ApiErrors.Invalid($"The job has {JobSignals.MaxSignals} signals, which is the most."),
        _ => ApiErrors.UnknownJob,
    };
}
