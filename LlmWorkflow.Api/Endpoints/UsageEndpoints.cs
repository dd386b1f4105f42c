using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.AspNetCore.Mvc;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>What calls of models used and cost.</summary>
internal static class UsageEndpoints
{
    private const int MostCalls = 1000;
    private const int DefaultCalls = 100;
    private const int LongestName = 255;

    private const string FromText = "First instant: an ISO 8601 date or time, UTC. Default: 30 days before `to`.";
    private const string ToText = "First instant that no longer belongs to it. Default: now.";
    private const string UserText = "Only this user's calls.";
    private const string WorkflowText = "Only calls of this workflow.";

    private static readonly TimeSpan DefaultRange = TimeSpan.FromDays(30);

    public static RouteHandlerBuilder MapUsage(this IEndpointRouteBuilder api) => api.MapGet("/api/v1/usage", ReportAsync);

    public static RouteHandlerBuilder MapUsageDrift(this IEndpointRouteBuilder api) => api.MapGet("/api/v1/usage/drift", DriftAsync);

    private static async Task ReportAsync(
        HttpContext context,
        UsageReports reports,
        TimeProvider time,
        [FromQuery(Name = "group_by"), Description("One or more of day, model, provider, workflow, user, purpose, separated by commas. Default: day.")] string? groupBy,
        [Description(FromText)] string? from,
        [Description(ToText)] string? to,
        [FromQuery(Name = "user_id"), Description(UserText)] string? userId,
        [FromQuery(Name = "workflow_name"), Description(WorkflowText)] string? workflowName)
    {
        List<ProblemIssue> issues = [];
        var keys = Keys(groupBy, issues);
        if (await ReadAsync(context, time, from, to, userId, workflowName, issues) is { } query)
        {
            var summary = await reports.SummarizeAsync(query with { GroupBy = keys }, context.RequestAborted);
            await ProblemDetailsMapping.WriteJsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(summary, UsageJson.Default.UsageSummary));
        }
    }

    private static async Task DriftAsync(
        HttpContext context,
        UsageReports reports,
        TimeProvider time,
        [Description(FromText)] string? from,
        [Description(ToText)] string? to,
        [FromQuery(Name = "user_id"), Description(UserText)] string? userId,
        [FromQuery(Name = "workflow_name"), Description(WorkflowText)] string? workflowName,
        [Description("1 to 1000. Default: 100.")] string? limit)
    {
        List<ProblemIssue> issues = [];
        var most = DefaultCalls;
        if (!string.IsNullOrEmpty(limit) && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most is < 1 or > MostCalls))
        {
            issues.Add(new() { Parameter = "limit", Message = string.Create(CultureInfo.InvariantCulture, $"must be a whole number from 1 to {MostCalls}") });
        }

        if (await ReadAsync(context, time, from, to, userId, workflowName, issues) is { } query)
        {
            var calls = await reports.DriftAsync(query, most, context.RequestAborted);
            await ProblemDetailsMapping.WriteJsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(new(calls), UsageJson.Default.DriftList));
        }
    }

    private static string[] Keys(string? groupBy, List<ProblemIssue> issues)
    {
        if (string.IsNullOrEmpty(groupBy))
        {
            return ["day"];
        }

        var keys = groupBy.Split(',', StringSplitOptions.TrimEntries);
        foreach (var unknown in keys.Where(key => !UsageReports.Groupings.Contains(key)))
        {
            issues.Add(new()
            {
                Parameter = "group_by",
                Message = $"must be one or more of {string.Join(", ", UsageReports.Groupings)}, not '{unknown}'"
                    + (NearestNames.Find(unknown, UsageReports.Groupings, 1) is [var near] ? $"; did you mean '{near}'?" : ""),
            });
        }

        return keys;
    }

    // Null: something is wrong, and the problem is written.
    private static async Task<UsageQuery?> ReadAsync(
        HttpContext context, TimeProvider time, string? from, string? to, string? userId, string? workflowName, List<ProblemIssue> issues)
    {
        var until = Time("to", to) ?? time.GetUtcNow();
        var since = Time("from", from) ?? (until - DateTimeOffset.MinValue > DefaultRange ? until - DefaultRange : DateTimeOffset.MinValue);
        if (since >= until && issues.Count == 0)
        {
            issues.Add(new() { Parameter = "from", Message = "must be before 'to'" });
        }

        Guid? user = null;
        if (!string.IsNullOrEmpty(userId))
        {
            user = Guid.TryParse(userId, out var parsed) ? parsed : null;
            if (user is null)
            {
                issues.Add(new() { Parameter = "user_id", Message = "must be a UUID" });
            }
        }

        if (workflowName is { Length: > LongestName } || workflowName?.Contains('\0', StringComparison.Ordinal) == true)
        {
            issues.Add(new() { Parameter = "workflow_name", Message = "must be the name of a workflow" });
        }

        if (issues.Count == 0)
        {
            return new() { From = since, To = until, UserId = user, WorkflowName = string.IsNullOrEmpty(workflowName) ? null : workflowName };
        }

        await ProblemDetailsMapping.WriteAsync(context, ApiErrors.Invalid(string.Join("; ", issues.Select(issue => $"{issue.Parameter} {issue.Message}")) + "."), issues);
        return null;

        DateTimeOffset? Time(string name, string? text)
        {
            if (string.IsNullOrEmpty(text))
            {
                return null;
            }

            if (IsoTime.TryParse(text, out var parsed))
            {
                return parsed;
            }

            issues.Add(new() { Parameter = name, Message = "must be an ISO 8601 date or time such as 2026-11-21 or 2026-11-21T18:00:00Z" });
            return null;
        }
    }
}
