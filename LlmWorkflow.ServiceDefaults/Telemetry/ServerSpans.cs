using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace LlmWorkflow.ServiceDefaults.Telemetry;

/// <summary>
/// Completes the span of each request: name (<c>POST /api/v1/workflow</c>), route and status. ASP.NET Core itself fills in only what is known at its start.
/// </summary>
internal sealed class ServerSpans : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(RunAsync);
        next(app);
    };

    private static async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        // Not Activity.Current: that one may be a child by the time the request has ended.
        if (context.Features.Get<IHttpActivityFeature>()?.Activity is not { IsAllDataRequested: true } span)
        {
            await next(context);
            return;
        }

        try
        {
            await next(context);
            Complete(span, context, context.Response.StatusCode, errorType: null);
        }
        catch (Exception exception)
        {
            Complete(span, context, StatusCodes.Status500InternalServerError, exception.GetType().FullName);
            throw;
        }
    }

    private static void Complete(Activity span, HttpContext context, int status, string? errorType)
    {
        var method = HttpMethods.GetCanonicalizedValue(context.Request.Method);
        // Names must be few: never the path, which callers make up.
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        span.DisplayName = route is null ? method : $"{method} {route}";
        span.SetTag("http.route", route).SetTag("http.response.status_code", status);
        if (status >= StatusCodes.Status500InternalServerError)
        {
            span.SetTag("error.type", errorType ?? $"{status}").SetStatus(ActivityStatusCode.Error);
        }
    }
}
