using System.Text;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Checks <c>limits.json</c>, and says where in the file it is wrong.</summary>
internal static class LimitsIssues
{
    /// <summary>The limits of a file's text; null when it has errors. Limits of workflows that do not exist are warnings.</summary>
    public static (SpendLimits? Limits, IReadOnlyList<DefinitionIssue> Issues) Read(string json, IReadOnlyCollection<string> workflows)
    {
        var (limits, issues) = FileIssues.Read(json, SpendLimitsReader.Read);
        var unknown = limits?.DailyByWorkflow.Keys.Where(name => name != "*" && !workflows.Contains(name)).ToList() ?? [];
        if (unknown.Count == 0)
        {
            return (limits, issues);
        }

        var warnings = new DefinitionIssues(new JsonPositions(Encoding.UTF8.GetBytes(json)));
        foreach (var name in unknown)
        {
            var place = JsonPlace.Root.Member("daily_usd").Member("workflows").Member(name);
            warnings.Add(IssueSeverity.Warning, IssueCodes.UnknownWorkflow, place, $"There is no workflow {place.Label}: nothing is limited by this.", NearestNames.Suggest(name, workflows));
        }

        return (limits, warnings.InFileOrder);
    }
}
