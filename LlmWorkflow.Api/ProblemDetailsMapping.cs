using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Storage;
using Microsoft.AspNetCore.WebUtilities;
using Npgsql;

namespace LlmWorkflow.Api;

/// <summary>Turns errors into RFC 9457 problem documents: the only place where a status code is chosen from a <see cref="WorkflowError"/>.</summary>
internal sealed partial class ProblemDetailsMapping(RequestDelegate next, ILogger<ProblemDetailsMapping> logger)
{
    public const string ContentType = "application/problem+json";

    // nginx's number for a client that went away: nobody reads it, but metrics should not call it an error of the service.
    private const int ClientClosedRequest = 499;

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
            if (context.Response is { HasStarted: false, StatusCode: >= 400, ContentType: null })
            {
                await WriteAsync(context, OfStatus(context), status: context.Response.StatusCode);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = context.Response.HasStarted ? context.Response.StatusCode : ClientClosedRequest;
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            // The process border: whatever it is, the caller gets a problem document without the service's insides.
            await WriteAsync(context, OfException(context, e));
        }
    }

    /// <summary>Writes the error as the answer.</summary>
    public static async Task WriteAsync(HttpContext context, WorkflowError error, IReadOnlyList<ProblemIssue>? issues = null, int? status = null)
    {
        var code = status ?? StatusOf(error);
        var response = context.Response;
        response.StatusCode = code;
        if (error.RetryAfter is { } seconds)
        {
            response.Headers.RetryAfter = Math.Ceiling(seconds).ToString(CultureInfo.InvariantCulture);
        }

        if (code == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }

        var problem = new ProblemResponse
        {
            Type = $"urn:llmworkflow:error:{error.Type}",
            Title = ReasonPhrases.GetReasonPhrase(code),
            Status = code,
            Detail = error.Message,
            Instance = context.Request.Path,
            TraceId = TraceId(context),
            Error = ToContract(error),
            Errors = issues,
        };
        await WriteJsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(problem, ApiJson.Wire.ProblemResponse), ContentType);
    }

    /// <summary>Writes a JSON body in one piece.</summary>
    public static async Task WriteJsonAsync(HttpContext context, ReadOnlyMemory<byte> json, string contentType = "application/json")
    {
        context.Response.ContentType = contentType;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.ContentLength = json.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.BodyWriter.WriteAsync(json, context.RequestAborted);
        }
    }

    internal static int StatusOf(WorkflowError error) => error.Type switch
    {
        ErrorTypes.UnknownWorkflow or ErrorTypes.UnknownJob or ErrorTypes.UnknownService or ApiErrors.UnknownRoute => StatusCodes.Status404NotFound,
        ErrorTypes.InvalidInput => StatusCodes.Status422UnprocessableEntity,
        ErrorTypes.IdempotencyConflict or ErrorTypes.SignalConflict or ErrorTypes.BudgetConflict or ErrorTypes.JobEnded => StatusCodes.Status409Conflict,
        ErrorTypes.DatabaseUnavailable => StatusCodes.Status503ServiceUnavailable,
        ErrorTypes.RateLimited => StatusCodes.Status429TooManyRequests,
        ApiErrors.Unauthorized => StatusCodes.Status401Unauthorized,
        ApiErrors.Forbidden => StatusCodes.Status403Forbidden,
        ApiErrors.MethodNotAllowed => StatusCodes.Status405MethodNotAllowed,
        ApiErrors.PayloadTooLarge => StatusCodes.Status413PayloadTooLarge,
        ApiErrors.UnsupportedMediaType => StatusCodes.Status415UnsupportedMediaType,
        _ => error.Category is ErrorCategory.User ? StatusCodes.Status400BadRequest : StatusCodes.Status500InternalServerError,
    };

    internal static ApiError ToContract(WorkflowError error) => new()
    {
        Type = error.Type,
        Category = error.Category switch
        {
            ErrorCategory.User => "USER_ERROR",
            ErrorCategory.Config => "CONFIG_ERROR",
            ErrorCategory.External => "EXTERNAL_ERROR",
            _ => "SYSTEM_ERROR",
        },
        Message = error.Message,
        Retryable = error.Retryable,
        RetryAfter = error.RetryAfter,
        StepId = error.StepId,
        Details = error.Details is { } details
            ? new()
            {
                Service = details.Service, Operation = details.Operation, Inputs = details.Inputs, Config = details.Config, Suggestions = details.Suggestions,
            }
            : null,
    };

    // Answers that the framework gave without a body.
    private static WorkflowError OfStatus(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => ApiErrors.NoRoute(context.Request.Method, context.Request.Path),
        StatusCodes.Status405MethodNotAllowed => ApiErrors.NoMethod(context.Request.Method, context.Request.Path, context.Response.Headers.Allow.ToString()),
        StatusCodes.Status415UnsupportedMediaType => ApiErrors.MediaType(context.Request.ContentType),
        StatusCodes.Status413PayloadTooLarge => ApiErrors.TooLarge,
        >= 500 => ApiErrors.Fault(TraceId(context)),
        var status => ApiErrors.Invalid(ReasonPhrases.GetReasonPhrase(status)),
    };

    private WorkflowError OfException(HttpContext context, Exception exception)
    {
        switch (exception)
        {
            case WorkflowException known:
                return known.Error;
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return ApiErrors.TooLarge;
            case BadHttpRequestException bad:
                return ApiErrors.Invalid(bad.Message);
            // The tables are not there yet: the migration waits for the database too.
            case PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn }:
            case var away when Database.IsTransient(away):
                LogDatabaseAway(exception.Message);
                return ApiErrors.DatabaseAway;
            default:
                LogFault(context.Request.Method, context.Request.Path, exception);
                return ApiErrors.Fault(TraceId(context));
        }
    }

    private static string TraceId(HttpContext context) => Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;

    [LoggerMessage(3202, LogLevel.Warning, "The database does not answer: {Reason}")]
    private partial void LogDatabaseAway(string reason);

    [LoggerMessage(3203, LogLevel.Error, "{Method} {Path} failed")]
    private partial void LogFault(string method, string path, Exception exception);
}
