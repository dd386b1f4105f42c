using System.Reflection;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Tests.Engine.Definitions;

namespace LlmWorkflow.Tests.Docs;

/// <summary>The reference in docs/workflows.md says what the language's tables say.</summary>
public sealed partial class WorkflowReferenceTests
{
    /// <summary>After a change of the language: <c>UPDATE_SCHEMA=1 dotnet test LlmWorkflow.Tests --filter WorkflowReferenceTests</c> writes the page's tables anew.</summary>
    [Fact]
    public void Page_GeneratedParts_AreWhatTheTablesGive()
    {
        if (Environment.GetEnvironmentVariable("UPDATE_SCHEMA") == "1")
        {
            File.WriteAllText(WorkflowsPage.File, Generated().Replace(WorkflowsPage.Text, part =>
                $"<!-- generated: {part.Groups["name"].Value} -->\n{WorkflowReference.Parts[part.Groups["name"].Value]}\n<!-- end -->"));
        }

        var parts = Generated().Matches(WorkflowsPage.Text).ToDictionary(part => part.Groups["name"].Value, part => part.Groups["text"].Value);

        Assert.Equal(WorkflowReference.Parts.Keys.Order(StringComparer.Ordinal), parts.Keys.Order(StringComparer.Ordinal));
        Assert.All(WorkflowReference.Parts, part => Assert.True(
            part.Value == parts[part.Key],
            $"The part '{part.Key}' of docs/workflows.md is old. Write it anew: UPDATE_SCHEMA=1 dotnet test LlmWorkflow.Tests --filter WorkflowReferenceTests"));
    }

    [Fact]
    public void Page_TableOfCodes_HasEachCodeOnceWithItsSeverityAndMeaning()
    {
        var rows = Codes().Matches(WorkflowsPage.Text).Select(row => (Code: row.Groups[1].Value, Severity: row.Groups[2].Value, Meaning: row.Groups[3].Value)).ToList();

        Assert.Equal(Constants(typeof(IssueCodes)).Order(StringComparer.Ordinal), rows.Select(row => row.Code).Order(StringComparer.Ordinal));
        Assert.All(rows, row => Assert.EndsWith(".", row.Meaning, StringComparison.Ordinal));
        var found = InvalidSamples.Files.SelectMany(file => InvalidSamples.Issues((string)file[0])).Select(issue => (issue.Code, Severity: issue.Severity.ToString().ToLowerInvariant())).Distinct().ToList();
        Assert.NotEmpty(found);
        Assert.All(found, issue => Assert.Contains(issue.Severity, rows.Single(row => row.Code == issue.Code).Severity.Split(", ")));
    }

    // Errors of a step's own: those that an author meets in steps.<id>.error.
    [Fact]
    public void Page_TableOfErrorTypes_NamesOnlyTypesThatExist()
    {
        var named = Errors().Matches(WorkflowsPage.Text).Select(row => row.Groups[1].Value).ToList();

        Assert.NotEmpty(named);
        Assert.Empty(named.Except(Constants(typeof(ErrorTypes))));
    }

    private static IEnumerable<string> Constants(Type type) =>
        type.GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!);

    [GeneratedRegex("<!-- generated: (?<name>[a-z_ ]+) -->\n(?<text>.*?)\n?<!-- end -->", RegexOptions.Singleline)]
    private static partial Regex Generated();

    [GeneratedRegex(@"^\| `([A-Z_]+)` \| (error|warning|info|error, warning) \| (.*) \|$", RegexOptions.Multiline)]
    private static partial Regex Codes();

    [GeneratedRegex(@"^\| `([A-Z][a-z]+[A-Za-z]+)` \| (?:yes|no|sometimes) \|", RegexOptions.Multiline)]
    private static partial Regex Errors();
}
