using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Checks <c>pricing.json</c>, and says where in the file it is wrong.</summary>
internal static class PricingIssues
{
    /// <summary>The price book of a file's text; null when it has issues.</summary>
    public static (PriceBook? Book, IReadOnlyList<DefinitionIssue> Issues) Read(string json) => FileIssues.Read(json, PriceBookReader.Read);
}
