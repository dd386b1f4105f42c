using System.ComponentModel;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Definitions;
using Microsoft.Extensions.Options;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>Definitions, their diagrams, and dry runs. Nothing here is stored, and nobody is called.</summary>
internal static class WorkflowEndpoints
{
    private const string PlainText = "text/plain; charset=utf-8";

    private static readonly string[] Fields = ["workflow_name", "definition", "input_data"];

    public static RouteHandlerBuilder MapValidate(this IEndpointRouteBuilder api) => api.MapPost("/api/v1/workflow/validate", ValidateAsync);

    public static RouteHandlerBuilder MapWorkflowList(this IEndpointRouteBuilder api) => api.MapGet("/api/v1/workflows", ListAsync);

    public static RouteHandlerBuilder MapWorkflow(this IEndpointRouteBuilder api) => api.MapGet("/api/v1/workflows/{name}", FindAsync);

    public static RouteHandlerBuilder MapDiagram(this IEndpointRouteBuilder api) => api.MapGet("/api/v1/workflows/{name}/diagram", DiagramAsync);

    public static RouteHandlerBuilder MapWorkflowSchema(this IEndpointRouteBuilder api) => api.MapGet("/api/v1/workflows/schema", (Delegate)SchemaAsync);

    private static async Task ValidateAsync(HttpContext context, WorkflowCatalog catalog, IOptions<EngineOptions> options, TimeProvider time)
    {
        var (body, hasEscapes, unreadable) = await RequestBody.ReadAsync(context);
        if (unreadable is not null)
        {
            await ProblemDetailsMapping.WriteAsync(context, unreadable);
            return;
        }

        var (name, definition, input, issues) = Read(body, hasEscapes);
        if (issues.Count > 0)
        {
            await ProblemDetailsMapping.WriteAsync(context, SubmitForm.Error(issues), issues);
            return;
        }

        var found = name is null ? catalog.Check(definition!.Value.GetRawText())
            : catalog.Find(name) is { } known ? new CheckedDefinition(known, catalog.Issues(name)) : null;
        if (found is null)
        {
            await NotFoundAsync(context, name!, catalog);
            return;
        }

        var plan = found.Workflow is { } workflow
            ? DryRunPlanner.Plan(workflow, input, catalog.Prices, options.Value.DefaultProvider, time.GetUtcNow(), found.Issues)
            : null;
        await WriteAsync(
            context,
            new ValidateResponse
            {
                Valid = plan is { Valid: true },
                Issues = WorkflowMapping.Issues(found.Issues),
                InputIssues = [.. (plan?.InputIssues ?? []).Select(issue => new ProblemIssue { Pointer = issue.Pointer, Message = issue.Message })],
                Plan = plan is null ? null : WorkflowMapping.ToContract(plan),
            },
            ApiJson.Wire.ValidateResponse);
    }

    private static Task ListAsync(HttpContext context, WorkflowCatalog catalog) =>
        WriteAsync(context, WorkflowMapping.List(catalog), ApiJson.Wire.WorkflowListResponse);

    private static Task FindAsync(HttpContext context, [Description("The workflow's name.")] string name, WorkflowCatalog catalog) =>
        catalog.Find(name) is { } workflow
            ? WriteAsync(context, WorkflowMapping.ToContract(workflow, catalog), ApiJson.Wire.WorkflowResponse)
            : NotFoundAsync(context, name, catalog);

    private static Task SchemaAsync(HttpContext context) =>
        ProblemDetailsMapping.WriteJsonAsync(context, Encoding.UTF8.GetBytes(WorkflowSchema.ToJson()), "application/schema+json");

    private static Task DiagramAsync(HttpContext context, [Description("The workflow's name.")] string name, WorkflowCatalog catalog) =>
        catalog.Find(name) is { } workflow
            ? ProblemDetailsMapping.WriteJsonAsync(context, Encoding.UTF8.GetBytes(MermaidDiagram.Of(workflow.Definition)), PlainText)
            : NotFoundAsync(context, name, catalog);

    private static (string? Name, JsonElement? Definition, JsonElement? Input, IReadOnlyList<ProblemIssue> Issues) Read(JsonElement body, bool hasEscapes)
    {
        var fields = new FieldReader(body);
        if (body.ValueKind is not JsonValueKind.Object)
        {
            fields.Reject("", $"must be an object, not {FieldReader.Describe(body)}");
            return (null, null, null, fields.Issues);
        }

        if (hasEscapes)
        {
            TextFaults.Find(body, fields.Issues);
            if (fields.Issues.Count > 0)
            {
                return (null, null, null, fields.Issues);
            }
        }

        fields.RejectUnknown(Fields);
        var name = fields.Text("workflow_name", 1, 255);
        var definition = fields.Object("definition");
        var input = fields.Object("input_data");
        if (fields.Issues.Count == 0 && name is null == definition is null)
        {
            fields.Reject("", name is null ? "needs 'workflow_name' or 'definition'" : "must have either 'workflow_name' or 'definition', not both");
        }

        return (name, definition, input, fields.Issues);
    }

    private static Task NotFoundAsync(HttpContext context, string name, WorkflowCatalog catalog) =>
        ProblemDetailsMapping.WriteAsync(context, ApiErrors.UnknownWorkflow(name, WorkflowMapping.Problem(name, catalog), catalog.Names));

    private static Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type) =>
        ProblemDetailsMapping.WriteJsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(value, type));
}
