using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Definitions;
using static LlmWorkflow.Tests.Engine.Definitions.DefinitionSamples;

namespace LlmWorkflow.Tests.Engine.Definitions;

public sealed partial class MermaidDiagramTests
{
    [Fact]
    public void Of_StepsInARow_DrawsSkipsRetriesAndErrors()
    {
        var text = MermaidDiagram.Of(Workflow(
            Call("fetch") with { DisplayName = "Fetch places", Retry = new() { MaxAttempts = 3 } },
            Llm("end") with { When = "${input.tier == \"pro\"}", OnError = OnError.Continue },
            Transform("style"),
            new WorkflowStepDefinition { Id = "sub", Workflow = "other", Retry = new() { MaxAttempts = 2 }, OnError = OnError.Continue }));

        Assert.Equal(
            """
            flowchart TD
              w_start(["Sample"])
              s_fetch[/"Fetch places<br/>external_api · places.nearby<br/>up to 3 attempts"/]
              s_end__when{"when<br/>input.tier == #34;pro#34;"}
              s_end["end<br/>llm · acme/small"]
              s_style("style<br/>transform · limit")
              s_sub[["sub<br/>workflow · other<br/>up to 2 attempts"]]
              w_end(["End"])
              w_failed(["Failed"])
              w_start --> s_fetch
              s_fetch -.->|"error after 3 attempts"| w_failed
              s_fetch --> s_end__when
              s_end__when -->|"yes"| s_end
              s_end --> s_style
              s_end__when -.->|"skip"| s_style
              s_end -.->|"error"| s_style
              s_style --> s_sub
              s_sub --> w_end
              s_sub -.->|"error after 2 attempts"| w_end

            """,
            text);
    }

    [Fact]
    public void Of_Composites_DrawsBranchesBoxesAndJoins()
    {
        var text = MermaidDiagram.Of(Workflow(
            If("decide", "steps.fetch.count > 3", [Llm("many")]),
            new ConditionalStepDefinition
            {
                Id = "cases",
                Cases = [new("input.a", Branch("0", Transform("a"))), new("input.b", Branch("1"))],
                Otherwise = Branch("default", Transform("c")),
            },
            new ParallelStepDefinition { Id = "fan", Lanes = [Branch("left", Call("l1"), Transform("l2")), Branch("none"), Branch("right", Llm("r1"))], MaxConcurrency = 2 },
            new ForeachStepDefinition { Id = "each", Items = "steps.fan.left", As = "place", MaxConcurrency = 4, Steps = [Llm("draft"), If("check", "index == 0", [Llm("again")])] }));

        Assert.Equal(
            """
            flowchart TD
              w_start(["Sample"])
              s_decide{"decide<br/>conditional"}
              s_many["many<br/>llm · acme/small"]
              s_cases{"cases<br/>conditional"}
              s_a("a<br/>transform · limit")
              s_c("c<br/>transform · limit")
              s_fan("fan<br/>parallel, 2 at once")
              subgraph s_fan__left["left"]
                s_l1[/"l1<br/>external_api · places.nearby"/]
                s_l2("l2<br/>transform · limit")
              end
              subgraph s_fan__right["right"]
                s_r1["r1<br/>llm · acme/small"]
              end
              s_fan__join(("join"))
              subgraph s_each["each<br/>foreach place in steps.fan.left, 4 at once"]
                s_draft["draft<br/>llm · acme/small"]
                s_check{"check<br/>conditional"}
                s_again["again<br/>llm · acme/small"]
                s_each__next(("next"))
              end
              w_end(["End"])
              w_start --> s_decide
              s_decide -->|"steps.fetch.count #62; 3"| s_many
              s_many --> s_cases
              s_decide -->|"else"| s_cases
              s_cases -->|"0, input.a"| s_a
              s_cases -->|"default"| s_c
              s_a --> s_fan
              s_cases -->|"1, input.b"| s_fan
              s_c --> s_fan
              s_fan --> s_l1
              s_l1 --> s_l2
              s_fan --> s_r1
              s_l2 --> s_fan__join
              s_fan -->|"none"| s_fan__join
              s_r1 --> s_fan__join
              s_draft --> s_check
              s_check -->|"index == 0"| s_again
              s_again --> s_each__next
              s_check -->|"else"| s_each__next
              s_fan__join --> s_each
              s_each --> w_end

            """,
            text);
    }

    [Fact]
    public void Of_Waits_DrawsWhatNoAnswerDoes()
    {
        var text = MermaidDiagram.Of(Workflow(
            new WaitStepDefinition { Id = "pause", Seconds = Json("30") },
            new WaitStepDefinition { Id = "until", Until = "${input.at}" },
            new ApprovalStepDefinition { Id = "ask", Signal = "editor_ok", WaitSeconds = 3600 },
            new ApprovalStepDefinition { Id = "ask2", Signal = "boss_ok", WaitSeconds = 60, OnTimeout = OnError.Continue }));

        Assert.Equal(
            """
            flowchart TD
              w_start(["Sample"])
              s_pause{{"pause<br/>wait 30 s"}}
              s_until{{"until<br/>wait until #36;#123;input.at#125;"}}
              s_ask[\"ask<br/>approval · editor_ok"/]
              s_ask2[\"ask2<br/>approval · boss_ok"/]
              w_end(["End"])
              w_failed(["Failed"])
              w_start --> s_pause
              s_pause --> s_until
              s_until --> s_ask
              s_ask -.->|"no answer in 3600 s"| w_failed
              s_ask --> s_ask2
              s_ask2 --> w_end
              s_ask2 -.->|"no answer in 60 s"| w_end

            """,
            text);
    }

    [Fact]
    public void Of_HostileNames_AreTextAndNothingElse()
    {
        const string Hostile = "1. \"x\"]-->y; <b>#35;`**A**`\n- %%{init}%% fa:fa-bomb $$z$$ ﬂ°°9¶ß \\n ]]";
        var text = MermaidDiagram.Of(Workflow(
            Llm("a") with { DisplayName = Hostile },
            If("b", Hostile, [Llm("c")]),
            new ParallelStepDefinition { Id = "d", Lanes = [Branch(Hostile, Llm(Hostile))] }));

        AssertSafe(text);
        Assert.DoesNotContain("<b>", text);
        Assert.Contains("1#46; #34;x#34;#93;#45;#45;#62;y#59; #60;b#62;#35;35#59;#96;", text);
    }

    [Fact]
    public void Of_RandomDefinitions_OnlySafeIdsBalancedBoxesAndKnownNodes()
    {
        var random = new Random(7);
        for (var i = 0; i < 300; i++)
        {
            var definition = Workflow([.. Steps(random, 4)]);

            var text = MermaidDiagram.Of(definition);

            AssertSafe(text);
            Assert.Equal(text, MermaidDiagram.Of(definition));
        }
    }

    private static IEnumerable<StepDefinition> Steps(Random random, int depth) =>
        Enumerable.Range(0, random.Next(depth == 4 ? 1 : 0, 4)).Select(_ => Step(random, depth));

    private static StepDefinition Step(Random random, int depth)
    {
        StepDefinition[] Inner() => [.. Steps(random, depth - 1)];
        var step = random.Next(depth == 0 ? 5 : 8) switch
        {
            0 => Llm(Name(random)),
            1 => Call(Name(random)),
            2 => new WaitStepDefinition { Id = Name(random), Until = Name(random) },
            3 => new ApprovalStepDefinition { Id = Name(random), Signal = Name(random), WaitSeconds = random.Next(2) == 0 ? 5 : null, OnTimeout = (OnError)random.Next(2) },
            4 => new WorkflowStepDefinition { Id = Name(random), Workflow = Name(random) },
            5 => If(Name(random), Name(random), Inner(), random.Next(2) == 0 ? Inner() : null),
            6 => new ParallelStepDefinition { Id = Name(random), Lanes = [Branch(Name(random), Inner()), Branch(Name(random), Inner())] },
            _ => (StepDefinition)new ForeachStepDefinition { Id = Name(random), Items = Name(random), Steps = Inner() },
        };
        return step with
        {
            DisplayName = random.Next(2) == 0 ? null : Name(random),
            When = random.Next(3) == 0 ? Name(random) : null,
            OnError = (OnError)random.Next(3),
            Retry = random.Next(3) == 0 ? new RetryPolicy { MaxAttempts = random.Next(1, 4) } : null,
        };
    }

    private static string Name(Random random)
    {
        const string Letters = "end#\"'`;<>|[]{}()-.=%&$\n\\_ äﬂ°¶ß\ud83d";
        return random.Next(4) == 0 ? "end" : string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => Letters[random.Next(Letters.Length)]));
    }

    private static void AssertSafe(string text)
    {
        var lines = text.TrimEnd('\n').Split('\n');
        HashSet<string> nodes = [];
        var open = 0;
        Assert.Equal("flowchart TD", lines[0]);
        foreach (var line in lines[1..].Select(line => line.Trim()))
        {
            if (line == "end")
            {
                open--;
                Assert.True(open >= 0);
            }
            else if (Edge().Match(line) is { Success: true } edge)
            {
                Assert.Contains(edge.Groups["from"].Value, nodes);
                Assert.Contains(edge.Groups["to"].Value, nodes);
            }
            else
            {
                var node = Node().Match(line);
                Assert.True(node.Success, line);
                Assert.True(nodes.Add(node.Groups["id"].Value), line);
                open += node.Groups["box"].Success ? 1 : 0;
            }
        }

        Assert.Equal(0, open);
    }

    [GeneratedRegex("""^(?<box>subgraph )?(?<id>[sw]_[A-Za-z0-9_]+)[\[\](){}/\\]+"(?:[^"#<>`;\[\]{}|*$%:\\]|#\d+;|<br/>)*"[\[\](){}/\\]+$""")]
    private static partial Regex Node();

    [GeneratedRegex("""^(?<from>[sw]_[A-Za-z0-9_]+) -\.?->(?:\|"(?:[^"#<>`;\[\]{}|*$%:\\]|#\d+;|<br/>)*"\|)? (?<to>[sw]_[A-Za-z0-9_]+)$""")]
    private static partial Regex Edge();
}
