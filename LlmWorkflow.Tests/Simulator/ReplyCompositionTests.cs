using System.Text.Json;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Composition;
using LlmWorkflow.Simulator.Control;

namespace LlmWorkflow.Tests.Simulator;

public sealed class ReplyCompositionTests
{
    private const string Data = """
        City: Austin
        State: TX

        Places found:
        [{"name":"Riverside Medical Center","formattedAddress":"12 Oak Ave, Austin, TX","nationalPhoneNumber":"(512) 555-0101","types":["hospital"]},
         {"name":"Lakeview Park","formattedAddress":"9 River Rd, Austin, TX","nationalPhoneNumber":"(512) 555-0102","types":["park"]}]

        - Poison Control: 1-800-222-1222
        """;

    [Theory]
    [InlineData("Answer in markdown with these sections:\n\n## Emergency Contacts\n\n## Meeting Locations\n")]
    [InlineData("Use this format:\n```markdown\n## Emergency Contacts\n- ...\n## Meeting Locations\n- ...\n```\nBe brief.")]
    [InlineData("Reply with two parts.\n1. `## Emergency Contacts` first\n2. `## Meeting Locations` after it")]
    [InlineData("# Your task\nHelp.\n# Output format\n## Emergency Contacts\ntext\n## Meeting Locations\ntext\n# Rules\nBe brief.")]
    public void Plan_HeadingsAskedFor_WritesThoseSectionsFromTheData(string instructions)
    {
        var reply = Plan(instructions, Data);

        Assert.Equal(["## Emergency Contacts", "## Meeting Locations"], Headings(reply));
        Assert.Contains("- **Name:** Riverside Medical Center\n  - **Phone:** (512) 555-0101\n  - **Address:** 12 Oak Ave, Austin, TX\n  - **Priority:** High", reply, StringComparison.Ordinal);
        Assert.Contains("- **Name:** Poison Control\n  - **Phone:** 1-800-222-1222", reply, StringComparison.Ordinal);
        var locations = reply[reply.IndexOf("## Meeting", StringComparison.Ordinal)..];
        Assert.StartsWith("## Meeting Locations\n\n- **Name:** Lakeview Park\n  - **Address:** 9 River Rd, Austin, TX\n  - **Reason:**", locations, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_LabelsShown_ItemsCarryThose()
    {
        var reply = Plan(
            "Respond in this structure:\n## Who to call\n- **Name:** [name]\n  - **Type:** hospital | police | other\n  - **Priority:** [high, low]\n  - **Website:** [url]", Data);

        Assert.StartsWith(
            "## Who to call\n\n- **Name:** Riverside Medical Center\n  - **Type:** hospital\n  - **Priority:** high\n  - **Website:** Not listed\n", reply, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_ItemsShownWithPlainLines_FollowsThatForm()
    {
        var reply = Plan(
            """
            You help families in Austin, TX.

            Answer in markdown with exactly two sections:

            ## Emergency Contacts

            - **Name:** the name
              **Address:** the address, if known
              **Category:** medical, police, fire or other
              **Priority:** 1 (first to call) to 3

            ## Meeting Locations

            - **Name:** the name
              **Type:** primary, secondary or out of town
            """,
            """
            - Family size: 4

            Places nearby:
            - Lakeview Medical Center, phone (512) 555-0101, 12 Oak Ave, Austin, TX 78701, USA (hospital, establishment)
            - Eastwood Police Station, phone (512) 555-0102, 7 Mill Rd, Austin, TX 78701, USA (police, establishment)

            Contacts that must be on the list:
            - 911 (police, fire, medical emergencies)
            """);

        Assert.Equal(
            """
            ## Emergency Contacts

            - **Name:** Lakeview Medical Center
              **Address:** 12 Oak Ave, Austin, TX 78701, USA
              **Category:** medical
              **Priority:** 1
            - **Name:** Eastwood Police Station
              **Address:** 7 Mill Rd, Austin, TX 78701, USA
              **Category:** police
              **Priority:** 1
            - **Name:** Emergency services
              **Address:** Austin, TX
              **Category:** other
              **Priority:** 2

            ## Meeting Locations

            - **Name:** Lakeview Medical Center
              **Type:** primary
            - **Name:** Eastwood Police Station
              **Type:** secondary
            """, reply);
    }

    [Fact]
    public void Plan_DataAsNestedList_IsRead()
    {
        var reply = Plan("Answer with these sections:\n## Emergency Contacts", """
            1. **Central Fire Station**
               - Address: 5 Main St
               - Phone: (512) 555-0199
            - Hillcrest Clinic — 77 Park Ave, Austin — (512) 555-0103
            - Keep sentences short and clear.
            """);

        Assert.Contains("**Name:** Central Fire Station\n  - **Phone:** (512) 555-0199\n  - **Address:** 5 Main St", reply, StringComparison.Ordinal);
        Assert.Contains("**Name:** Hillcrest Clinic\n  - **Phone:** (512) 555-0103\n  - **Address:** 77 Park Ave, Austin", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("Keep sentences", reply, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_NothingNamed_NamesSomethingInThePlace()
    {
        var reply = Plan("Answer with these sections:\n## Emergency Contacts", "City: Reno\nState: NV");

        Assert.Contains("- **Name:** Reno Emergency Services\n  - **Phone:** 911\n  - **Address:** Reno, NV", reply, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_HeadingsThatOnlyOrderThePrompt_AreNotSections()
    {
        Assert.Empty(Headings(Plan("# Background\nWe run a shop.\n# Question\nHow do we sell more?")));
    }

    [Fact]
    public void Plan_OutputTokensSet_TextHasThatLength()
    {
        foreach (var tokens in (int[])[0, 1, 7, 100, 5000])
        {
            var completion = Completion(["Explain Zürich, please."], new Behavior { OutputTokens = tokens });

            Assert.Equal(tokens, completion.OutputTokens);
            Assert.Equal(tokens, TokenEstimate.OfText(completion.Text));
        }
    }

    [Fact]
    public void Plan_LongPromptWithSmallLimit_EndsBeforeIt()
    {
        var prompt = new ChatPrompt([string.Join(' ', Enumerable.Repeat("interesting", 400))], MaxTokens: 200, ReplyFormat.Text);

        var completion = CompletionPlanner.Plan(prompt, new Behavior());

        Assert.False(completion.LimitReached);
        Assert.InRange(completion.OutputTokens, 100, 200);
    }

    [Fact]
    public void Plan_JsonSchema_ReplySatisfiesIt()
    {
        const string schema = """
            {"type":"object","required":["name","tone","steps","score","tags","contacts","next"],
             "properties":{
               "name":{"type":"string","minLength":3},
               "tone":{"enum":["formal","casual"]},
               "steps":{"type":"array","minItems":2,"items":{"type":"string"}},
               "score":{"type":"integer","minimum":5,"maximum":10},
               "tags":{"type":["array","null"],"items":{"$ref":"#/$defs/tag"}},
               "contacts":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"phone":{"type":"string"}}}},
               "next":{"anyOf":[{"type":"null"},{"type":"string"}]}},
             "$defs":{"tag":{"type":"boolean"}}}
            """;
        using var document = JsonDocument.Parse(schema);
        var prompt = new ChatPrompt([Data], MaxTokens: null, new ReplyFormat(Json: true, document.RootElement));

        using var reply = JsonDocument.Parse(CompletionPlanner.Plan(prompt, new Behavior()).Text);

        var root = reply.RootElement;
        Assert.Equal(JsonValueKind.String, root.GetProperty("name").ValueKind);
        Assert.Equal("formal", root.GetProperty("tone").GetString());
        Assert.True(root.GetProperty("steps").GetArrayLength() >= 2);
        Assert.InRange(root.GetProperty("score").GetInt32(), 5, 10);
        Assert.Equal(JsonValueKind.True, root.GetProperty("tags")[0].ValueKind);
        Assert.Equal("(512) 555-0101", root.GetProperty("contacts")[0].GetProperty("phone").GetString());
        Assert.Equal(JsonValueKind.Null, root.GetProperty("next").ValueKind);
    }

    [Fact]
    public void Plan_JsonObject_ReplyIsAnObject()
    {
        var prompt = new ChatPrompt([Data], MaxTokens: null, new ReplyFormat(Json: true, Schema: null));

        using var reply = JsonDocument.Parse(CompletionPlanner.Plan(prompt, new Behavior()).Text);

        Assert.Equal("Riverside Medical Center", reply.RootElement.GetProperty("items")[0].GetString());
    }

    [Fact]
    public void Plan_MegabyteOfBraces_IsNotSlow()
    {
        var started = TimeProvider.System.GetTimestamp();

        Plan(new string('{', 500_000) + new string('[', 500_000));

        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 0, 60);
    }

    private static string Plan(params string[] messages) => Completion(messages, new Behavior()).Text;

    private static Completion Completion(string[] messages, Behavior behavior) =>
        CompletionPlanner.Plan(new ChatPrompt(messages, MaxTokens: null, ReplyFormat.Text), behavior);

    private static IEnumerable<string> Headings(string reply) => reply.Split('\n').Where(line => line.StartsWith('#'));
}
