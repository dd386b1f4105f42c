using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Checks a file under <c>services/</c>, and says where in the file it is wrong.</summary>
internal static class ServiceIssues
{
    /// <summary>The service of a file's text; null when it has issues.</summary>
    /// <param name="name">The file's name without ending; null: any.</param>
    /// <param name="json">The text.</param>
    public static (ServiceDefinition? Service, IReadOnlyList<DefinitionIssue> Issues) Read(string? name, string json) =>
        FileIssues.Read(json, text => ServiceFileReader.Read(name, text));
}
