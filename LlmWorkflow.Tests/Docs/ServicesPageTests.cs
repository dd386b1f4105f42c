using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Docs;

/// <summary>What docs/services.md shows is what the reader takes.</summary>
public sealed partial class ServicesPageTests
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "services.md"));

    [Fact]
    public void Page_ItsServiceFile_HasNoFault()
    {
        var file = Assert.Single(Blocks(), block => block.Contains("\"base_url\"", StringComparison.Ordinal));

        var (definition, faults) = ServiceFileReader.Read("exchange", file);

        Assert.Empty(faults);
        Assert.Equal(["rate"], definition!.Operations.Keys);
    }

    [Fact]
    public void Page_ItsParameters_AreTaken()
    {
        var parameters = Assert.Single(Blocks(), block => block.TrimStart().StartsWith("{\n  \"properties\"", StringComparison.Ordinal));

        var (definition, faults) = ServiceFileReader.Read("shown", $$"""
            { "name": "shown", "base_url": "https://api.example.com", "operations": { "ask": { "path": "/ask", "parameters": {{parameters}} } } }
            """);

        Assert.Empty(faults);
        Assert.Equal(["q", "lat", "lng", "days"], definition!.Operations["ask"].Parameters.Properties.Keys);
    }

    [Fact]
    public void Page_ItsTypesOfErrors_AreThoseThatARuleMayGive()
    {
        var table = s_page[s_page.IndexOf("| `type` | Category |", StringComparison.Ordinal)..];
        var told = Name().Matches(table[..table.IndexOf("\n\n", StringComparison.Ordinal)]).Select(match => match.Groups[1].Value);

        Assert.Equal(ServiceErrors.RuleTypes.Order(StringComparer.Ordinal), told.Where(name => name != "type").Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Blocks() => Block().Matches(s_page).Select(match => match.Groups[1].Value).Where(IsJson);

    private static bool IsJson(string text)
    {
        try
        {
            _ = JsonElement.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("`([A-Za-z]+)`")]
    private static partial Regex Name();
}
