using System.Text.Json;
using LlmWorkflow.Engine.Prompts;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Composition;
using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Tests.Engine.Definitions;
using LlmWorkflow.Tests.Engine.Expressions;

namespace LlmWorkflow.Tests.Simulator;

/// <summary>What the simulator makes of the prompts of the shipped workflow.</summary>
public sealed class ShippedPromptTests
{
    private const string Variables = """
        {
          "city": "Austin", "state": "TX", "lat": 30.2672, "lng": -97.7431, "scenarios": ["flood", "power outage"],
          "family_size": 4, "duration": "3 days", "user_tier": "premium",
          "static_contacts": [{"name": "Emergency services", "phone": "911"}, {"name": "Poison Control", "phone": "1-800-222-1222"}],
          "places": [
            {"name": "Lakeview Medical Center", "phone": "(512) 555-0101", "address": "12 Oak Ave, Austin, TX 78701, USA", "types": ["hospital", "health"]},
            {"name": "The Oaks Pharmacy", "phone": "(512) 555-0102", "address": "7 Mill Rd, Austin, TX 78701, USA", "types": ["pharmacy"]},
            {"name": "Eastwood Police Station", "address": "9 Elm St, Austin, TX 78701, USA", "types": ["police"]}
          ]
        }
        """;

    [Fact]
    public void Plan_EmergencyContacts_NamesOnlyWhatTheDataNames()
    {
        var reply = CompletionPlanner.Plan(
            new ChatPrompt([Render("emergency_contacts/system.md"), Render("emergency_contacts/user.md")], MaxTokens: 4000, ReplyFormat.Text), new Behavior()).Text;

        var parts = reply.Split("## Meeting Locations");
        Assert.Equal(
            ["Eastwood Police Station", "Emergency services", "Lakeview Medical Center", "Poison Control", "The Oaks Pharmacy"],
            Names(parts[0]).Order(StringComparer.Ordinal));
        Assert.Equal(
            ["Eastwood Police Station", "Lakeview Medical Center", "The Oaks Pharmacy"], Names(parts[1]).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(":** the ", reply, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Names(string markdown) => markdown.Split('\n')
        .Where(line => line.StartsWith("- **Name:** ", StringComparison.Ordinal)).Select(line => line["- **Name:** ".Length..]);

    private static string Render(string name)
    {
        var folder = Path.Combine(ShippedWorkflows.Directory, "prompts");
        var prompts = Directory.EnumerateFiles(folder, "*.md", SearchOption.AllDirectories)
            .ToDictionary(file => Path.GetRelativePath(folder, file).Replace('\\', '/'), File.ReadAllText);
        var variables = JsonElement.Parse(Variables).EnumerateObject().ToDictionary(property => property.Name, property => property.Value);
        return PromptRenderer.RenderFile(name, prompts, variables, TestScope.Standard);
    }
}
