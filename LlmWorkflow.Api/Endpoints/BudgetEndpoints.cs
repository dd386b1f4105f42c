using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Engine.Submission;
using Microsoft.AspNetCore.Mvc;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>Caps on the cost of jobs.</summary>
internal static class BudgetEndpoints
{
    private const int LongestPath = 2000;

    private static readonly string[] Fields = ["max_cost_usd", "step_path"];

    public static RouteHandlerBuilder MapBudget(this IEndpointRouteBuilder api) => api.MapPost("/api/v1/jobs/{id}/budget", IncreaseAsync);

    private static async Task IncreaseAsync(
        HttpContext context,
        [Description("The job_id.")] string id,
        [FromQuery(Name = "user_id"), Description("Only if the job is this user's; otherwise 404.")] string? userId,
        JobBudgets budgets)
    {
        if (await JobAddress.ReadAsync(context, id, userId) is not { } address)
        {
            return;
        }

        var (body, hasEscapes, unreadable) = await RequestBody.ReadAsync(context);
        if (unreadable is not null)
        {
            await ProblemDetailsMapping.WriteAsync(context, unreadable);
            return;
        }

        var fields = new FieldReader(body);
        var (usd, step) = Read(fields, body, hasEscapes);
        if (fields.Issues.Count > 0)
        {
            await ProblemDetailsMapping.WriteAsync(context, SubmitForm.Error(fields.Issues), fields.Issues);
            return;
        }

        var budget = await budgets.IncreaseAsync(address.JobId, address.UserId, step, usd, context.RequestAborted);
        if (budget is not { IsRaised: true })
        {
            await ProblemDetailsMapping.WriteAsync(context, budget is null ? ApiErrors.UnknownJob : Refusal(budget, step));
            return;
        }

        var response = new BudgetResponse
        {
            JobId = address.JobId,
            Status = budget.Status.ToText(),
            MaxCostUsd = budget.MaxCostUsd is { } cap ? Usd.WithoutTrailingZeros(cap) : null,
            SpentUsd = Usd.WithoutTrailingZeros(budget.SpentUsd),
            HeldUsd = Usd.WithoutTrailingZeros(budget.HeldUsd),
        };
        await ProblemDetailsMapping.WriteJsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(response, ApiJson.Wire.BudgetResponse));
    }

    private static (decimal Usd, string? StepPath) Read(FieldReader fields, JsonElement body, bool hasEscapes)
    {
        if (body.ValueKind is not JsonValueKind.Object)
        {
            fields.Reject("", $"must be an object such as {{\"max_cost_usd\": 2.5}}, not {FieldReader.Describe(body)}");
            return default;
        }

        if (hasEscapes)
        {
            TextFaults.Find(body, fields.Issues);
        }

        fields.RejectUnknown(Fields);
        var step = fields.Issues.Count == 0 ? fields.Text("step_path", 1, LongestPath) : null;
        if (fields.Amount("max_cost_usd", SubmitForm.LargestCost) is { } usd)
        {
            return (usd, step);
        }

        if (fields.Issues.Count == 0)
        {
            fields.Reject("max_cost_usd", "is missing; it must be a number above 0");
        }

        return default;
    }

    private static Engine.Diagnostics.WorkflowError Refusal(JobBudget budget, string? step) =>
        budget.Status.IsFinal() ? ApiErrors.JobEnded(budget.Status.ToText())
        : step is not null ? ApiErrors.BudgetConflict("The job has not started such a step, or its cap was raised to that amount already. 'waiting_for' in the job's status names the steps that wait, by their step_path.")
        : budget.MaxCostUsd is { } cap ? ApiErrors.BudgetConflict(string.Create(
            CultureInfo.InvariantCulture, $"max_cost_usd of the job is {Usd.WithoutTrailingZeros(cap)} already; it can only be raised."))
        : ApiErrors.BudgetConflict("The job has no max_cost_usd, so there is none to raise. A cap of a step is raised with 'step_path', one of the day in limits.json.");
}
