using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using static LlmWorkflow.Tests.Engine.Definitions.DefinitionSamples;

namespace LlmWorkflow.Tests.Engine.Definitions;

public sealed class DryRunPlannerTests
{
    private static readonly DateTimeOffset s_at = new(2026, 11, 21, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Plan_KnownPrompt_IsRenderedAndPriced()
    {
        var definition = Workflow(Llm("draft", "{{include:tone.md}} ${input.city}, {{size}} of ${context.UNIT}") with
        {
            Variables = new Dictionary<string, JsonElement> { ["size"] = Json("\"${input.size}\"") }, SystemPrompt = "You help.", MaxTokens = 200,
        }) with { Variables = new Dictionary<string, JsonElement> { ["UNIT"] = Json("\"people\"") } };

        var plan = Plan(Pin(definition, ("tone.md", "Be brief.\n")), """{"city": "Austin", "size": 4}""");

        var call = plan.Steps[0].Llm!;
        Assert.Equal(("openrouter", Model, 200), (call.Provider, call.Model, call.MaxTokens));
        Assert.Equal([("system", "You help.", true), ("user", "Be brief. Austin, 4 of people", true)], call.Messages.Select(m => (m.Role, m.Content, m.Complete)));
        // 9 and 29 characters: 3 + 8 tokens.
        Assert.Equal((11, 100), (call.InputTokens, call.OutputTokens));
        Assert.Equal(new CostRange(Usd(11, 1), Usd(11, 100), Usd(9 + 29 + 16, 200)), plan.Cost);
        Assert.True(plan.Valid);
    }

    [Fact]
    public void Plan_OutputOfEarlierSteps_StandsAsPlaceholderAndCountsAsAssumed()
    {
        var plan = Plan(Workflow(
            Call("fetch"),
            Llm("first", "Hi") with { MaxTokens = 400 },
            Llm("draft", "AAAA ${steps.fetch.output.data} ${steps.first.content} {{#each places}}[{{name}}]{{/each}}") with
            {
                Variables = new Dictionary<string, JsonElement> { ["places"] = Json("\"${steps.fetch.data}\"") }, MaxTokens = 100,
            }));

        var call = plan.Steps[2].Llm!;
        Assert.Equal("AAAA ⟨steps.fetch.output.data⟩ ⟨steps.first.content⟩ [⟨steps.fetch.data[0].name⟩]", call.Messages[0].Content);
        Assert.False(call.Messages[0].Complete);
        // 9 known characters, two values of a service call, one answer of an llm step.
        Assert.Equal(3 + 500 + 200 + 500, call.InputTokens);
        Assert.Equal(Usd(9 + 8 + 10_000 + 400 + 10_000, 100), plan.Steps[2].Cost.Highest);
        Assert.Equal(Usd(3, 1), plan.Steps[2].Cost.Lowest);
    }

    [Fact]
    public void Plan_WithoutInput_ShowsItsPlaceholders()
    {
        var plan = DryRunPlanner.Plan(Pin(Workflow(Llm("a", "To ${input.user.name}"))), null, Prices, "openrouter", s_at);

        Assert.Equal("To ⟨input.user.name⟩", plan.Steps[0].Llm!.Messages[0].Content);
        Assert.Empty(plan.InputIssues);
        Assert.Contains(plan.Notes, note => note.Contains("Without an input", StringComparison.Ordinal));
    }

    [Fact]
    public void Plan_ValuesThatLookLikeTemplates_AreNotReadAgain()
    {
        var plan = Plan(Pin(Workflow(Llm("a", "${input.x} {{y}} $${z}") with { Variables = new Dictionary<string, JsonElement> { ["y"] = Json("\"${input.x}\"") } })), """{"x": "{{q}} ${steps.a}"}""");

        Assert.Equal("{{q}} ${steps.a} {{q}} ${steps.a} ${z}", plan.Steps[0].Llm!.Messages[0].Content);
    }

    [Fact]
    public void Plan_WhenIsKnown_LeavesTheStepOut()
    {
        var workflow = Workflow(
            Llm("no") with { When = "input.off" },
            Llm("yes") with { When = "${input.on}" },
            Llm("maybe") with { When = "steps.yes.json.ok" },
            Llm("after", "${steps.no.content ?? 'nothing'}"));

        var plan = Plan(workflow, """{"on": true, "off": false}""");

        Assert.Equal([PlannedRun.No, PlannedRun.Yes, PlannedRun.Maybe, PlannedRun.Yes], plan.Steps.Select(step => step.Runs));
        Assert.Equal(new CostRange(0, 0, 0), plan.Steps[0].Cost);
        Assert.Equal(0, plan.Steps[2].Cost.Lowest);
        Assert.True(plan.Steps[2].Cost.Expected > 0);
        Assert.Equal("nothing", plan.Steps[3].Llm!.Messages[0].Content);
    }

    [Fact]
    public void Plan_Conditional_TakesKnownBranchElseCheapestMeanAndDearest()
    {
        var step = If("decide", "input.big", [Llm("big") with { Model = "acme/large" }], [Llm("small")]);

        var known = Plan(Workflow(step), """{"big": true}""").Steps[0];
        var unknown = DryRunPlanner.Plan(Pin(Workflow(step)), null, Prices, "openrouter", s_at).Steps[0];

        Assert.Equal([PlannedRun.Yes, PlannedRun.No], known.Branches.Select(branch => branch.Runs));
        Assert.Equal("decide/then/big", known.Branches[0].Steps[0].Path);
        Assert.Equal(known.Branches[0].Cost, known.Cost);
        Assert.Equal([PlannedRun.Maybe, PlannedRun.Maybe], unknown.Branches.Select(branch => branch.Runs));
        var (big, small) = (unknown.Branches[0].Cost, unknown.Branches[1].Cost);
        Assert.Equal(new CostRange(small.Lowest, (big.Expected + small.Expected) / 2, big.Highest), unknown.Cost);
    }

    [Fact]
    public void Plan_ConditionalWithoutElse_MayCostNothing() =>
        Assert.Equal(0, DryRunPlanner.Plan(Pin(Workflow(If("a", "input.x", [Llm("b")]))), null, Prices, "openrouter", s_at).Cost.Lowest);

    [Fact]
    public void Plan_ForeachOverKnownItems_RendersTheFirstAndMultiplies()
    {
        var plan = Plan(
            Workflow(new ForeachStepDefinition { Id = "each", Items = "input.list", As = "place", Steps = [Llm("draft", "${index}: ${place.name}") with { When = "place.on" }] }),
            """{"list": [{"name": "Ada", "on": true}, {"name": "Bo", "on": false}, {"name": "Cy", "on": true}]}""");

        var each = plan.Steps[0];
        var draft = Assert.Single(Assert.Single(each.Branches).Steps);
        Assert.Equal(3, each.ItemCount);
        Assert.Equal("each/*/draft", draft.Path);
        Assert.Equal("0: Ada", draft.Llm!.Messages[0].Content);
        // The first item says nothing about the others' conditions.
        Assert.Equal(PlannedRun.Maybe, draft.Runs);
        Assert.Equal(new CostRange(0, draft.Cost.Expected * 3, draft.Cost.Highest * 3), each.Cost);
    }

    [Fact]
    public void Plan_ForeachOverUnknownItems_AssumesTenAndHasNoHighest()
    {
        var plan = Plan(Workflow(Call("fetch"), new ForeachStepDefinition { Id = "each", Items = "steps.fetch.data", Steps = [Llm("draft", "${item.name}")] }));

        var each = plan.Steps[1];
        Assert.Null(each.ItemCount);
        Assert.Equal("⟨item.name⟩", each.Branches[0].Steps[0].Llm!.Messages[0].Content);
        Assert.Equal(new CostRange(0, each.Branches[0].Cost.Expected * 10, null), each.Cost);
        Assert.Contains(plan.Assumptions, text => text.Contains("10 items", StringComparison.Ordinal));
        Assert.Contains(plan.Notes, note => note.Contains("no highest cost", StringComparison.Ordinal));
    }

    [Fact]
    public void Plan_ForeachOverNothing_CostsNothing() =>
        Assert.Equal(new CostRange(0, 0, 0), Plan(Workflow(new ForeachStepDefinition { Id = "each", Items = "input.list", Steps = [Llm("a")] }), """{"list": []}""").Cost);

    [Fact]
    public void Plan_RetriesFallbacksAndRepairs_RaiseOnlyTheHighest()
    {
        var plain = Plan(Workflow(Llm("a") with { MaxTokens = 100 })).Cost;

        var plan = Plan(Workflow(Llm("a") with
        {
            MaxTokens = 100, Retry = new() { MaxAttempts = 3 }, Fallbacks = [new(null, "acme/large")], RepairAttempts = 2, ResponseFormat = ResponseFormat.Json,
        }));

        // "Hello" is at most 5 + 8 tokens, and the JSON format at most 300; a repair also shows the replies before it and their faults.
        var call = Usd(313, 100);
        Assert.Equal((plain.Lowest, plain.Expected), (plan.Cost.Lowest, plan.Cost.Expected));
        Assert.Equal(3 * (call + (10 * call) + (2 * Usd(313 + (2 * 1100), 100))), plan.Cost.Highest);
        Assert.Equal(3, plan.Steps[0].Attempts);
        Assert.Equal(["openrouter/acme/large"], plan.Steps[0].Llm!.Fallbacks);
    }

    [Fact]
    public void Plan_Cache_MayCostNothing() => Assert.Equal(0, Plan(Workflow(Llm("a") with { Cache = new(60, false) })).Cost.Lowest);

    [Fact]
    public void Plan_Budgets_CapTheHighest()
    {
        var unbounded = new ForeachStepDefinition { Id = "each", Items = "steps.a.json", Steps = [Llm("b")] };

        var step = Plan(Workflow(Llm("a"), unbounded with { MaxCostUsd = 0.5m }));
        var job = Plan(Workflow(Llm("a"), unbounded) with { MaxCostUsd = 0.001m });

        Assert.Equal(0.5m, step.Steps[1].Cost.Highest);
        Assert.Equal(0.001m, job.Cost.Highest);
        Assert.Contains(job.Notes, note => note.Contains("more than its max_cost_usd, 0.001 USD", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("acme/unknown", "pricing.json has no price for 'acme/unknown'")]
    [InlineData("${steps.pick.output}", "The model ⟨steps.pick.output⟩ is not known yet")]
    public void Plan_NoPrice_IsNullWithANote(string model, string note)
    {
        var plan = Plan(Workflow(Transform("pick"), Llm("a") with { Model = model }));

        Assert.Equal(new CostRange(null, null, null), plan.Cost);
        Assert.Contains(plan.Steps[1].Notes, text => text.StartsWith(note, StringComparison.Ordinal));
    }

    [Fact]
    public void Plan_MissingValueInInput_SaysThatItWouldFail()
    {
        var plan = Plan(Workflow(Llm("a", "${input.citty}")), """{"city": "Austin"}""");

        Assert.Contains("Would fail: ${input.citty} has no value", Assert.Single(plan.Steps[0].Notes), StringComparison.Ordinal);
        Assert.Equal("⟨input.citty⟩", plan.Steps[0].Llm!.Messages[0].Content);
    }

    [Fact]
    public void Plan_InputBreaksSchema_IsToldWithPointer()
    {
        var plan = Plan(Workflow(Llm("a")) with { InputSchema = Json("""{"type": "object", "required": ["city"], "properties": {"n": {"type": "integer"}}}""") }, """{"n": "x"}""");

        Assert.False(plan.Valid);
        Assert.Equal(["/city", "/n"], plan.InputIssues.Select(issue => issue.Pointer).Order());
    }

    [Fact]
    public void Plan_SubWorkflow_IsPlannedInline()
    {
        var inner = Workflow(Llm("draft", "${input.city} ${input.text} ${context.workflow_name}"), If("check", "input.text == 'x'", [Llm("more")])) with { Name = "inner" };
        var workflow = Pin(Workflow(Call("fetch"), new WorkflowStepDefinition { Id = "sub", Workflow = "inner", Input = Json("""{"city": "${input.city}", "text": "${steps.fetch.data}"}""") })) with
        {
            Workflows = new Dictionary<string, PinnedSubWorkflow> { ["inner"] = new(inner, "{}") },
        };

        var sub = Plan(workflow, """{"city": "Austin"}""").Steps[1];

        var draft = sub.Branches[0].Steps[0];
        Assert.Equal("sub/draft", draft.Path);
        Assert.Equal("Austin ⟨steps.fetch.data⟩ inner", draft.Llm!.Messages[0].Content);
        Assert.Equal(PlannedRun.Maybe, sub.Branches[0].Steps[1].Branches[0].Runs);
        Assert.Equal(sub.Branches[0].Cost, sub.Cost);
    }

    [Fact]
    public void Plan_WorkflowsThatMultiply_IsCut()
    {
        StepDefinition[] Calls(string name) => [.. Enumerable.Range(0, 100).Select(i => new WorkflowStepDefinition { Id = $"s{i}", Workflow = name })];
        var workflow = Pin(Workflow(Calls("w0"))) with
        {
            Workflows = Enumerable.Range(0, 7).ToDictionary(i => $"w{i}", i => new PinnedSubWorkflow(Workflow(Calls($"w{i + 1}")), "{}")),
        };

        var plan = Plan(workflow);

        Assert.Null(plan.Cost.Highest);
        Assert.Contains(plan.Notes, note => note.Contains("ends after 2000 steps", StringComparison.Ordinal));
    }

    [Fact]
    public void Plan_OtherSteps_ShowWhatTheyDo()
    {
        var plan = Plan(
            Workflow(
                Call("fetch") with { Config = new Dictionary<string, JsonElement> { ["q"] = Json("\"in ${input.city}\"") } },
                Transform("cut"),
                new WaitStepDefinition { Id = "pause", Seconds = Json("\"${steps.cut.output}\"") },
                new ApprovalStepDefinition { Id = "ask", Signal = "ok", Message = "Send to ${input.city}?", WaitSeconds = 60 },
                new ParallelStepDefinition { Id = "fan", Lanes = [Branch("left", Llm("l")), Branch("right", Llm("r"))] }),
            """{"city": "Austin"}""");

        Assert.Equal("""{"q":"in Austin"}""", plan.Steps[0].Details["config"].GetRawText());
        Assert.Equal("limit", plan.Steps[1].Details["operations"][0].GetString());
        Assert.Equal("⟨steps.cut.output⟩", plan.Steps[2].Details["seconds"].GetString());
        Assert.Equal(("ok", "Send to Austin?", 60, "fail"), (
            plan.Steps[3].Details["signal"].GetString(), plan.Steps[3].Details["message"].GetString(), plan.Steps[3].Details["timeout_seconds"].GetInt32(), plan.Steps[3].Details["on_timeout"].GetString()));
        Assert.Equal(["fan/left/l", "fan/right/r"], plan.Steps[4].Branches.SelectMany(branch => branch.Steps).Select(step => step.Path));
        Assert.Equal(plan.Steps[4].Branches.Sum(branch => branch.Cost.Highest), plan.Steps[4].Cost.Highest);
    }

    [Fact]
    public void Json_Plan_IsSnakeCaseWithNullCosts()
    {
        var json = JsonSerializer.SerializeToElement(Plan(Workflow(Llm("a") with { Model = "acme/unknown" })), DryRunJson.Default.DryRunPlan);

        Assert.Equal(JsonValueKind.Null, json.GetProperty("cost").GetProperty("lowest").ValueKind);
        Assert.Equal("yes", json.GetProperty("steps")[0].GetProperty("runs").GetString());
        Assert.Equal(1000, json.GetProperty("steps")[0].GetProperty("llm").GetProperty("max_tokens").GetInt32());
    }

    private static decimal Usd(long input, long output) => (input + (10m * output)) / 1_000_000;

    private static DryRunPlan Plan(WorkflowDefinition definition, string input = "{}") => Plan(Pin(definition), input);

    private static DryRunPlan Plan(PinnedWorkflow workflow, string input = "{}") => DryRunPlanner.Plan(workflow, Json(input), Prices, "openrouter", s_at);
}
