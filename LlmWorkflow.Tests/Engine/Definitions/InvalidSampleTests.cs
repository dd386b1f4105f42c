using System.Reflection;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Tests.Engine.Definitions;

public sealed class InvalidSampleTests
{
    // file: line:column severity CODE pointer
    private static readonly Dictionary<string, string[]> s_expected = new()
    {
    };

    [Theory]
    [MemberData(nameof(InvalidSamples.Files), MemberType = typeof(InvalidSamples))]
    public void Issues_InvalidSample_AreThoseExpected(string name)
    {
        string[] found = [.. InvalidSamples.Issues(name).Select(issue =>
            $"{issue.Line}:{issue.Column} {issue.Severity.ToString().ToLowerInvariant()} {issue.Code} {issue.JsonPointer}")];

File.AppendAllLines("/tmp/def_found.txt", ["@" + name, .. found, .. InvalidSamples.Issues(name).Select(i => "#" + i.Message + " || " + i.Suggestion)]);
        Assert.Equal(s_expected.GetValueOrDefault(name), found);
        Assert.All(InvalidSamples.Issues(name), issue => Assert.EndsWith(".", issue.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Expected_EveryIssueCode_HasASample()
    {
        IEnumerable<string> codes = typeof(IssueCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!);
        HashSet<string> shown = [.. s_expected.Values.SelectMany(issues => issues).Select(issue => issue.Split(' ')[2])];

        Assert.Empty(codes.Except(shown));
    }
}
