using System.Text.Json;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Tests.Engine.Definitions;

public sealed class StepReadingTests
{
    private static readonly DefinitionSurroundings s_surroundings = new()
    {
        Prompts = new Dictionary<string, string>(),
        Workflows = new Dictionary<string, WorkflowDefinition> { ["other"] = new() { Name = "other", Steps = [] } },
    };

    [Fact]
    public void Validate_Conditional_ReadsThenAndElse()
    {
        ConditionalStepDefinition step = Read<ConditionalStepDefinition>(
            """{"id": "c", "type": "conditional", "condition": "input.x", "then": [W1], "else": [W2], "on_error": "continue", "default": {"k": 1}}""");

        Assert.Equal([("input.x", "then", "/then", "w1")], step.Cases.Select(c => (c.When, c.Branch.Name, c.Branch.Pointer, c.Branch.Steps[0].Id)));
        Assert.Equal(("else", "/else", "w2"), (step.Otherwise!.Name, step.Otherwise.Pointer, step.Otherwise.Steps[0].Id));
        Assert.Equal(1, step.Default.GetProperty("k").GetInt32());
    }

    [Fact]
    public void Validate_ConditionalWithCases_ReadsThemAndDefaultAsBranch()
    {
        ConditionalStepDefinition step = Read<ConditionalStepDefinition>(
            """{"id": "c", "type": "conditional", "cases": [{"when": "input.a", "steps": [W1]}, {"when": "${input.b}", "steps": []}], "default": [W2]}""");

        Assert.Equal([("input.a", "0", "/cases/0/steps", 1), ("${input.b}", "1", "/cases/1/steps", 0)], step.Cases.Select(c => (c.When, c.Branch.Name, c.Branch.Pointer, c.Branch.Steps.Count)));
        Assert.Equal(("default", "/default"), (step.Otherwise!.Name, step.Otherwise.Pointer));
        Assert.Equal(JsonValueKind.Undefined, step.Default.ValueKind);
    }

    [Fact]
    public void Validate_ParallelAndForeach_ReadNestedSteps()
    {
        ParallelStepDefinition parallel = Read<ParallelStepDefinition>(
            """
            {"id": "p", "type": "parallel", "max_concurrency": 2, "fail_fast": false, "when": "input.go", "branches": {
              "left": [W1],
              "right": [{"id": "each", "type": "foreach", "items": "input.list", "as": "row", "max_concurrency": 4, "steps": [W2]}]}}
            """);

        Assert.Equal((2, false, "input.go"), (parallel.MaxConcurrency, parallel.FailFast, parallel.When));
        Assert.Equal(["left /branches/left", "right /branches/right"], parallel.Lanes.Select(lane => $"{lane.Name} {lane.Pointer}"));
        ForeachStepDefinition each = Assert.IsType<ForeachStepDefinition>(parallel.Lanes[1].Steps[0]);
        Assert.Equal(("input.list", "row", 4, "w2"), (each.Items, each.As, each.MaxConcurrency, each.Steps[0].Id));
    }

    [Fact]
    public void Validate_WorkflowWaitAndApproval_AreRead()
    {
        WorkflowStepDefinition sub = Read<WorkflowStepDefinition>("""{"id": "s", "type": "workflow", "name": "other", "input": {"a": "${input.a}"}}""");
        WaitStepDefinition wait = Read<WaitStepDefinition>("""{"id": "s", "type": "wait", "seconds": "${input.pause}"}""");
        WaitStepDefinition until = Read<WaitStepDefinition>("""{"id": "s", "type": "wait", "until": "2027-01-31T09:00:00Z"}""");
        ApprovalStepDefinition plain = Read<ApprovalStepDefinition>("""{"id": "s", "type": "approval"}""");
        ApprovalStepDefinition full = Read<ApprovalStepDefinition>(
            """{"id": "s", "type": "approval", "signal": "ok-${input.id}", "message": "Go?", "timeout_seconds": 60, "on_timeout": "continue", "default": false}""");

        Assert.Equal(("other", "${input.a}"), (sub.Workflow, sub.Input.GetProperty("a").GetString()));
        Assert.Equal(("${input.pause}", null), (wait.Seconds.GetString(), wait.Until));
        Assert.Equal((JsonValueKind.Undefined, "2027-01-31T09:00:00Z"), (until.Seconds.ValueKind, until.Until));
        Assert.Equal(("s", null, OnError.Fail, null), (plain.Signal, plain.WaitSeconds, plain.OnTimeout, plain.TimeoutSeconds));
        Assert.Equal(("ok-${input.id}", "Go?", 60d, OnError.Continue, null), (full.Signal, full.Message, full.WaitSeconds, full.OnTimeout, full.TimeoutSeconds));
        Assert.Equal(JsonValueKind.False, full.Default.ValueKind);
    }

    [Fact]
    public void Validate_FullLlm_IsRead()
    {
        LlmStepDefinition step = Read<LlmStepDefinition>(
            """
            {"id": "s", "type": "llm", "model": "m", "messages": [{"role": "user", "content": "Hi {{name}}"}], "variables": {"name": "Ann"},
             "fallbacks": [{"model": "n"}, {"provider": "openai", "model": "o"}], "repair_attempts": 2, "repair_model": "r", "cache": {"ttl_seconds": 60, "scope": "shared"},
             "response_format": {"type": "json_schema", "json_schema": {"type": "object"}}, "provider_options": {"x": 1}, "retry": {"max_attempts": 2}}
            """);

        Assert.Equal([new LlmMessageDefinition("user", "Hi {{name}}")], step.Messages);
        Assert.Equal([new LlmFallback(null, "n"), new LlmFallback("openai", "o")], step.Fallbacks);
        Assert.Equal((2, "r", new LlmCachePolicy(60, true)), (step.RepairAttempts, step.RepairModel, step.Cache));
        Assert.Equal((ResponseKind.JsonSchema, "object"), (step.ResponseFormat.Kind, step.ResponseFormat.Schema.GetProperty("type").GetString()));
        Assert.Equal(1, step.ProviderOptions.GetProperty("x").GetInt32());
        Assert.Equal((2, OnError.Fail), (step.Retry!.MaxAttempts, step.OnError));
        Assert.Same(ResponseFormat.Json, Read<LlmStepDefinition>("""{"id": "s", "type": "llm", "model": "m", "prompt": "x", "response_format": "json"}""").ResponseFormat);
    }

    [Fact]
    public void Validate_BudgetAndConcurrency_AreRead()
    {
        ValidationResult result = DefinitionValidator.Validate(
            """{"name": "t", "on_budget": "pause", "concurrency": {"limit": 3, "key": "input.user"}, "steps": [{"id": "w", "type": "wait", "seconds": 1}]}""", "t", s_surroundings);

        Assert.Empty(result.Issues);
        Assert.Equal((OnBudget.Pause, new ConcurrencyLimit(3, "input.user")), (result.Definition!.OnBudget, result.Definition.Concurrency));
    }

    private static T Read<T>(string step)
        where T : StepDefinition
    {
        string json = $$"""{"name": "t", "steps": [{{step}}]}"""
            .Replace("W1", """{"id": "w1", "type": "wait", "seconds": 1}""", StringComparison.Ordinal)
            .Replace("W2", """{"id": "w2", "type": "wait", "seconds": 0.5}""", StringComparison.Ordinal);
        ValidationResult result = DefinitionValidator.Validate(json, "t", s_surroundings);
        Assert.Empty(result.Issues);
        return Assert.IsType<T>(result.Definition!.Steps[0]);
    }
}
