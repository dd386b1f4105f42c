using System.Globalization;
using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Turns steps into records, nested ones first.</summary>
internal static class StepReader
{
    /// <summary>The steps of a list whose type is known.</summary>
    public static IReadOnlyList<StepDefinition> Read(StepList list) => [.. list.Steps.Select(Read).OfType<StepDefinition>()];

    private static StepDefinition? Read(StepNode node)
    {
        List<StepBranch> branches = [.. node.Lists.Select(list => new StepBranch(NameOf(list), list.Pointer, Read(list)))];
        Fields fields = new(node.Json);
        if (node.Shape is null || Own(node, fields, branches) is not { } own)
        {
            return null;
        }

        node.Definition = own with
        {
            DisplayName = fields.Text("display_name"),
            Description = fields.Text("description"),
            When = fields.Text("when"),
            TimeoutSeconds = own is ApprovalStepDefinition ? null : fields.Seconds("timeout_seconds"),
            MaxCostUsd = fields.Number("max_cost_usd"),
            OnError = fields.Text("on_error") switch { "continue" => OnError.Continue, "retry" => OnError.Retry, _ => OnError.Fail },
            // Beside cases it is a branch.
            Default = own is ConditionalStepDefinition && fields.Has("cases") ? default : fields.Any("default"),
            Retry = Retry(fields),
        };
        return node.Definition;
    }

    private static StepDefinition? Own(StepNode node, Fields fields, List<StepBranch> branches) => fields.Text("type") switch
    {
        "llm" => LlmStepReader.Read(node.Id, fields),
        "external_api" => new ExternalApiStepDefinition
        {
            Id = node.Id,
            Service = fields.Text("service") ?? "",
            Operation = fields.Text("operation") ?? "",
            Config = fields.Members("config"),
            CacheTtlSeconds = fields.Whole("cache_ttl_seconds"),
        },
        "transform" => TransformStepReader.Read(node, fields),
        "conditional" => Conditional(node.Id, fields, branches),
        "parallel" => new ParallelStepDefinition
        {
            Id = node.Id,
            Lanes = branches,
            MaxConcurrency = fields.Whole("max_concurrency"),
            FailFast = fields.Flag("fail_fast") ?? true,
        },
        "foreach" => new ForeachStepDefinition
        {
            Id = node.Id,
            Items = fields.Text("items") ?? "",
            As = fields.Text("as") ?? "item",
            Steps = branches is [var steps] ? steps.Steps : [],
            MaxConcurrency = fields.Whole("max_concurrency") ?? 1,
        },
        "workflow" => new WorkflowStepDefinition { Id = node.Id, Workflow = fields.Text("name") ?? "", Input = fields.Any("input") },
        "wait" => new WaitStepDefinition { Id = node.Id, Seconds = fields.Any("seconds"), Until = fields.Text("until") },
        "approval" => new ApprovalStepDefinition
        {
            Id = node.Id,
            Signal = fields.Text("signal") ?? node.Id,
            Message = fields.Text("message"),
            WaitSeconds = fields.Seconds("timeout_seconds"),
            OnTimeout = fields.Text("on_timeout") == "continue" ? OnError.Continue : OnError.Fail,
        },
        _ => null,
    };

    private static ConditionalStepDefinition Conditional(string id, Fields fields, List<StepBranch> branches)
    {
        StepBranch Branch(string name, string pointer) => branches.Find(branch => branch.Pointer == pointer) ?? new StepBranch(name, pointer, []);
        IEnumerable<ConditionalCase> cases = fields.Has("cases")
            ? fields.Items("cases").Select((item, index) =>
            {
                string name = index.ToString(CultureInfo.InvariantCulture);
                return new ConditionalCase(new Fields(item).Text("when") ?? "", Branch(name, $"/cases/{name}/steps"));
            })
            : [new ConditionalCase(fields.Text("condition") ?? "", Branch("then", "/then"))];
        return new ConditionalStepDefinition
        {
            Id = id,
            Cases = [.. cases],
            Otherwise = branches.Find(branch => branch.Pointer is "/else" or "/default"),
        };
    }

    private static RetryPolicy? Retry(Fields step)
    {
        if (step.Any("retry").ValueKind != JsonValueKind.Object)
        {
            return step.Text("on_error") == "retry" ? new RetryPolicy() : null;
        }

        Fields fields = step.Object("retry");
        RetryPolicy defaults = new();
        return new RetryPolicy
        {
            MaxAttempts = fields.Whole("max_attempts") ?? defaults.MaxAttempts,
            InitialDelaySeconds = fields.Seconds("initial_delay_seconds") ?? defaults.InitialDelaySeconds,
            BackoffMultiplier = fields.Seconds("backoff_multiplier") ?? defaults.BackoffMultiplier,
            MaxDelaySeconds = fields.Seconds("max_delay_seconds") ?? defaults.MaxDelaySeconds,
            Jitter = fields.Flag("jitter") ?? defaults.Jitter,
        };
    }

    // "/then" → then, "/cases/0/steps" → 0, "/branches/left" → left, "/steps" → steps.
    private static string NameOf(StepList list) => list.Place is { Name: "steps", Parent: { IsItem: true } item } ? item.Name : list.Place.Name;
}
