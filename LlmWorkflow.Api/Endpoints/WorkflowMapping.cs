using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>Definitions and plans as the API shows them.</summary>
internal static class WorkflowMapping
{
    public static WorkflowListResponse List(WorkflowCatalog catalog) => new()
    {
        Workflows = [.. catalog.Names.Union(catalog.Problems.Select(NameOf).OfType<string>()).Order(StringComparer.Ordinal).Select(name => Summary(name, catalog))],
    };

    public static WorkflowResponse ToContract(PinnedWorkflow workflow, WorkflowCatalog catalog) => new()
    {
        Name = workflow.Definition.Name,
        Version = workflow.Definition.Version,
        DisplayName = workflow.Definition.DisplayName,
        Description = workflow.Definition.Description,
        Hash = workflow.Hash,
        InputSchema = workflow.Definition.InputSchema.ValueKind is JsonValueKind.Undefined ? null : workflow.Definition.InputSchema,
        Definition = JsonElement.Parse(workflow.Json),
        Issues = Issues(catalog.Issues(workflow.Definition.Name)),
        Problem = Problem(workflow.Definition.Name, catalog),
    };

    public static IReadOnlyList<WorkflowIssue> Issues(IReadOnlyList<DefinitionIssue> issues) => [.. issues.Select(issue => new WorkflowIssue
    {
        Code = issue.Code,
        Severity = issue.Severity switch
        {
            IssueSeverity.Error => "error",
            IssueSeverity.Warning => "warning",
            _ => "info",
        },
        Pointer = issue.JsonPointer,
        Line = issue.Line,
        Column = issue.Column,
        Message = issue.Message,
        Suggestion = issue.Suggestion,
    })];

    /// <summary>What keeps a workflow's file from being used, in a sentence; null: nothing.</summary>
    public static string? Problem(string name, WorkflowCatalog catalog) =>
        catalog.Problems.FirstOrDefault(problem => NameOf(problem) == name) is { } broken
        && broken.Issues.FirstOrDefault(issue => issue.Severity is IssueSeverity.Error) is { } first
            ? $"{broken.File}, line {first.Line}, column {first.Column}: {first.Message}"
            : null;

    public static WorkflowPlan ToContract(DryRunPlan plan) => new()
    {
        Workflow = plan.Workflow,
        Version = plan.Version,
        Hash = plan.Hash,
        Steps = [.. plan.Steps.Select(Step)],
        Cost = Cost(plan.Cost),
        TokenMethod = plan.TokenMethod,
        Assumptions = plan.Assumptions,
        Notes = plan.Notes,
    };

    private static WorkflowSummary Summary(string name, WorkflowCatalog catalog)
    {
        var definition = catalog.Find(name)?.Definition;
        return new()
        {
            Name = name,
            Version = definition?.Version,
            DisplayName = definition?.DisplayName,
            Description = definition?.Description,
            StepCount = Count(definition?.Steps ?? []),
            IssueCount = catalog.Issues(name).Count,
            Problem = Problem(name, catalog),
        };
    }

    private static int Count(IReadOnlyList<StepDefinition> steps) => steps.Count + steps.Sum(step => step.Branches.Sum(branch => Count(branch.Steps)));

    private static string? NameOf(CatalogProblem problem) =>
        problem.File.StartsWith("definitions/", StringComparison.Ordinal) ? Path.GetFileNameWithoutExtension(problem.File) : null;

    private static PlanStep Step(PlannedStep step) => new()
    {
        Path = step.Path,
        Id = step.Id,
        Type = step.Type,
        Label = step.Label,
        Runs = Runs(step.Runs),
        When = step.When,
        OnError = step.OnError,
        Attempts = step.Attempts,
        Llm = step.Llm is { } call ? Call(call) : null,
        Details = step.Details,
        ItemCount = step.ItemCount,
        Branches = [.. step.Branches.Select(Branch)],
        Cost = Cost(step.Cost),
        Notes = step.Notes,
    };

    private static PlanBranch Branch(PlannedBranch branch) => new()
    {
        Name = branch.Name, When = branch.When, Runs = Runs(branch.Runs), Steps = [.. branch.Steps.Select(Step)], Cost = Cost(branch.Cost),
    };

    private static PlanCall Call(PlannedCall call) => new()
    {
        Provider = call.Provider,
        Model = call.Model,
        Fallbacks = call.Fallbacks,
        Messages = [.. call.Messages.Select(message => new PlanMessage { Role = message.Role, Content = message.Content, Complete = message.Complete })],
        InputTokens = call.InputTokens,
        OutputTokens = call.OutputTokens,
        MaxTokens = call.MaxTokens,
        RepairAttempts = call.RepairAttempts,
    };

    private static PlanCost Cost(CostRange cost) => new() { Lowest = cost.Lowest, Expected = cost.Expected, Highest = cost.Highest };

    private static string Runs(PlannedRun runs) => runs switch
    {
        PlannedRun.Yes => "yes",
        PlannedRun.No => "no",
        _ => "maybe",
    };
}
