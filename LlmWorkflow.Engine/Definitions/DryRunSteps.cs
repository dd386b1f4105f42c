using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Walks through the steps of a dry run in their order.</summary>
/// <param name="workflow">With the prompts and sub-workflows.</param>
/// <param name="calls">Plans <c>llm</c> steps.</param>
/// <param name="at">When it would run.</param>
internal sealed class DryRunSteps(PinnedWorkflow workflow, DryRunCalls calls, DateTimeOffset at)
{
    /// <summary>Items that a list counts whose length is not known.</summary>
    public const int AssumedItems = 10;

    /// <summary>Most steps in a plan; sub-workflows could multiply without end.</summary>
    public const int MaxSteps = 2_000;

    private int _planned;

    /// <summary>Whether the plan ends early because of <see cref="MaxSteps"/>.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Whether a list's length had to be assumed.</summary>
    public bool AssumedLength { get; private set; }

    /// <summary>The scope at the start of a workflow.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="input">Its input, with placeholders.</param>
    /// <param name="varies">Whether the input is only one of several.</param>
    public DryRunScope Start(WorkflowDefinition definition, JsonElement input, bool varies)
    {
        Dictionary<string, JsonElement> context = new(definition.Variables, StringComparer.Ordinal)
        {
            ["workflow_name"] = JsonValues.String(definition.Name),
            ["now"] = JsonValues.String(at.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)),
        };
        foreach (string name in (string[])["job_id", "user_id", "username", "action", "attempt"])
        {
            context[name] = DryRunPlaceholder.Of($"context.{name}");
        }

        ExpressionScope scope = new() { Input = input, Context = context, Steps = new Dictionary<string, StepValue>(StringComparer.Ordinal) };
        return new DryRunScope(scope, varies ? new HashSet<string>(["input"]) : new HashSet<string>());
    }

    /// <summary>Plans a list of steps.</summary>
    /// <param name="steps">The list.</param>
    /// <param name="prefix">Path of what it stands in, with a slash behind; empty at the top.</param>
    /// <param name="scope">What is known there.</param>
    /// <param name="runs">Whether the list itself is run.</param>
    /// <param name="depth">Workflows around it.</param>
    public IReadOnlyList<PlannedStep> Plan(IReadOnlyList<StepDefinition> steps, string prefix, DryRunScope scope, PlannedRun runs, int depth)
    {
        List<PlannedStep> planned = [];
        foreach (StepDefinition step in steps)
        {
            if (_planned == MaxSteps)
            {
                IsCut = true;
                break;
            }

            _planned++;
            planned.Add(Plan(step, prefix + step.Id, scope, runs, depth));
        }

        return planned;
    }

    private PlannedStep Plan(StepDefinition step, string path, DryRunScope scope, PlannedRun around, int depth)
    {
        bool? condition = step.When is null ? true : scope.IsTrue(step.When);
        PlannedRun runs = condition switch
        {
            true => PlannedRun.Yes,
            false => PlannedRun.No,
            null => PlannedRun.Maybe,
        };
        Body body = Describe(step, path, scope, Both(around, runs), depth);
        scope.SetStep(step.Id, Both(around, runs) == PlannedRun.No);
        RetryPolicy? retry = step.Retry ?? (step.OnError == OnError.Retry ? new RetryPolicy() : null);
        int attempts = retry?.MaxAttempts ?? 1;
        CostRange cost = DryRunCosts.Capped(body.Cost with { Highest = body.Cost.Highest * attempts }, step.MaxCostUsd);
        foreach (string fault in scope.TakeFaults())
        {
            body.Notes.Add($"Would fail: {DryRunPlaceholder.Show(fault)}");
        }

        if (cost.Expected > step.MaxCostUsd)
        {
            body.Notes.Add(string.Create(CultureInfo.InvariantCulture, $"It is expected to cost more than its max_cost_usd, {step.MaxCostUsd} USD."));
        }

        return new PlannedStep
        {
            Path = path,
            Id = step.Id,
            Type = step.Type,
            Label = step.Label,
            Runs = runs,
            When = step.When,
            OnError = step.OnError == OnError.Continue ? "continue" : "fail",
            Attempts = attempts,
            Llm = body.Llm,
            Details = body.Details,
            ItemCount = body.ItemCount,
            Branches = body.Branches,
            Cost = runs switch
            {
                PlannedRun.No => DryRunCosts.None,
                PlannedRun.Maybe => cost with { Lowest = 0 },
                _ => cost,
            },
            Notes = body.Notes,
        };
    }

    private Body Describe(StepDefinition step, string path, DryRunScope scope, PlannedRun runs, int depth) => step switch
    {
        LlmStepDefinition llm => Llm(llm, scope),
        ConditionalStepDefinition conditional => Conditional(conditional, path, scope, runs, depth),
        ParallelStepDefinition parallel => Parallel(parallel, path, scope, runs, depth),
        ForeachStepDefinition loop => Foreach(loop, path, scope, runs, depth),
        WorkflowStepDefinition inner => Workflow(inner, path, scope, runs, depth),
        _ => new Body { Details = DryRunDetails.Of(step, scope) },
    };

    private Body Llm(LlmStepDefinition step, DryRunScope scope)
    {
        Body body = new();
        string model = scope.Text(step.Model);
        (PlannedCall call, CostRange cost) = calls.Plan(step, model, DryRunPrompts.Render(step, workflow.Prompts, scope), scope, body.Notes);
        return body with { Llm = call, Cost = cost };
    }

    private Body Conditional(ConditionalStepDefinition step, string path, DryRunScope scope, PlannedRun runs, int depth)
    {
        List<PlannedBranch> branches = [];
        // Whether the cases so far leave room for the next.
        PlannedRun left = PlannedRun.Yes;
        foreach (ConditionalCase one in step.Cases)
        {
            bool? holds = left == PlannedRun.No ? false : scope.IsTrue(one.When);
            PlannedRun taken = holds switch
            {
                true => left,
                false => PlannedRun.No,
                null => PlannedRun.Maybe,
            };
            left = holds switch
            {
                true => PlannedRun.No,
                false => left,
                null => PlannedRun.Maybe,
            };
            branches.Add(Branch(one.Branch, one.When, taken, path, scope, runs, depth));
        }

        if (step.Otherwise is { } otherwise)
        {
            branches.Add(Branch(otherwise, null, left, path, scope, runs, depth));
        }

        List<CostRange> possible = [.. branches.Where(branch => branch.Runs != PlannedRun.No).Select(branch => branch.Cost)];
        if (step.Otherwise is null && left != PlannedRun.No)
        {
            possible.Add(DryRunCosts.None);
        }

        return new Body { Branches = branches, Cost = DryRunCosts.OneOf(possible) };
    }

    private Body Parallel(ParallelStepDefinition step, string path, DryRunScope scope, PlannedRun runs, int depth)
    {
        List<PlannedBranch> branches = [.. step.Lanes.Select(lane => Branch(lane, null, PlannedRun.Yes, path, scope, runs, depth))];
        return new Body { Branches = branches, Cost = DryRunCosts.Sum(branches.Select(branch => branch.Cost)), Details = DryRunDetails.Of(step, scope) };
    }

    private Body Foreach(ForeachStepDefinition step, string path, DryRunScope scope, PlannedRun runs, int depth)
    {
        JsonElement items = scope.Items(step.Items);
        int? count = items.ValueKind == JsonValueKind.Array ? items.GetArrayLength() : null;
        Body body = new() { Details = DryRunDetails.Of(step, scope), ItemCount = count };
        IReadOnlyList<string> faults = scope.TakeFaults();
        DryRunScope inner = count > 0
            ? scope.With(step.As, items[0], JsonValues.Number(0), count > 1)
            : scope.With(step.As, DryRunPlaceholder.Of(step.As), DryRunPlaceholder.Of("index"), true);
        StepBranch list = step.Branches[0] with { Name = "*" };
        PlannedBranch branch = Branch(list, null, count == 0 ? PlannedRun.No : PlannedRun.Yes, path, inner, runs, depth) with { Name = "steps" };
        foreach (string fault in faults)
        {
            scope.AddFault(fault);
        }

        switch (count)
        {
            case null:
                AssumedLength = true;
                body.Notes.Add(string.Create(CultureInfo.InvariantCulture, $"The number of items is not known: {AssumedItems} are expected, and there is no highest cost."));
                break;
            case > ForeachStepDefinition.MaxItems:
                scope.AddFault(string.Create(CultureInfo.InvariantCulture, $"{count} items are more than {ForeachStepDefinition.MaxItems}."));
                break;
            case > 1:
                body.Notes.Add(string.Create(CultureInfo.InvariantCulture, $"The first of {count} items stands for all of them."));
                break;
            default:
                break;
        }

        return body with { Branches = [branch], Cost = DryRunCosts.Times(branch.Cost, count, AssumedItems) };
    }

    private Body Workflow(WorkflowStepDefinition step, string path, DryRunScope scope, PlannedRun runs, int depth)
    {
        Body body = new() { Details = DryRunDetails.Of(step, scope) };
        if (!workflow.Workflows.TryGetValue(step.Workflow, out PinnedSubWorkflow? sub) || depth == WorkflowStepDefinition.MaxDepth)
        {
            body.Notes.Add(sub is null ? $"There is no workflow '{step.Workflow}', so its steps and cost are not known." : "Workflows are nested too deep here.");
            return body with { Cost = new CostRange(null, null, null) };
        }

        JsonElement input = step.Input.ValueKind == JsonValueKind.Undefined ? JsonValues.EmptyObject : scope.Resolve(step.Input);
        if (!DryRunPlaceholder.IsIn(input))
        {
            foreach (InputIssue issue in InputSchema.Validate(sub.Definition, input))
            {
                scope.AddFault($"The input of '{step.Workflow}' {$"{issue.Pointer} {issue.Message}".Trim()}.");
            }
        }

        IReadOnlyList<PlannedStep> steps = Plan(sub.Definition.Steps, $"{path}/", Start(sub.Definition, input, scope.Varies), runs, depth + 1);
        PlannedBranch branch = new() { Name = "steps", Steps = steps, Cost = DryRunCosts.Sum(steps.Select(inner => inner.Cost)) };
        return body with { Branches = [branch], Cost = branch.Cost };
    }

    private PlannedBranch Branch(StepBranch branch, string? when, PlannedRun taken, string path, DryRunScope scope, PlannedRun around, int depth)
    {
        // What goes wrong inside is told with the steps inside.
        IReadOnlyList<string> faults = scope.TakeFaults();
        IReadOnlyList<PlannedStep> steps = Plan(branch.Steps, $"{path}/{branch.Name}/", scope, Both(around, taken), depth);
        foreach (string fault in faults)
        {
            scope.AddFault(fault);
        }

        return new PlannedBranch { Name = branch.Name, When = when, Runs = taken, Steps = steps, Cost = DryRunCosts.Sum(steps.Select(step => step.Cost)) };
    }

    private static PlannedRun Both(PlannedRun around, PlannedRun inside) =>
        around == PlannedRun.No || inside == PlannedRun.No ? PlannedRun.No : around == PlannedRun.Maybe ? PlannedRun.Maybe : inside;

    private sealed record Body
    {
        public PlannedCall? Llm { get; init; }

        public IReadOnlyDictionary<string, JsonElement> Details { get; init; } = new Dictionary<string, JsonElement>();

        public int? ItemCount { get; init; }

        public IReadOnlyList<PlannedBranch> Branches { get; init; } = [];

        public CostRange Cost { get; init; } = DryRunCosts.None;

        public List<string> Notes { get; } = [];
    }
}
