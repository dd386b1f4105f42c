using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.ExternalServices;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Tests.Engine.Definitions;

/// <summary>The files under <c>workflows/samples/invalid</c>, a workflows folder of its own with the shipped services.</summary>
internal static class InvalidSamples
{
    public static string Root { get; } = Path.Combine(ShippedWorkflows.Directory, "samples", "invalid");

    private static readonly Lazy<WorkflowCatalog> s_catalog = new(() => new WorkflowCatalog(
        Root, () => KnownServices.Of(new ServiceCatalog(new EngineOptions { WorkflowsDirectory = ShippedWorkflows.Directory })), TimeProvider.System, NullLogger<WorkflowCatalog>.Instance));

    /// <summary>Names of the files, without <c>.json</c>.</summary>
    public static IEnumerable<object[]> Files => Directory.GetFiles(Path.Combine(Root, "definitions"), "*.json").Order(StringComparer.Ordinal)
        .Select(file => new object[] { Path.GetFileNameWithoutExtension(file) });

    public static string Read(string name) => File.ReadAllText(Path.Combine(Root, "definitions", $"{name}.json"));

    /// <summary>What the catalog found in the file.</summary>
    public static IReadOnlyList<DefinitionIssue> Issues(string name) => s_catalog.Value.Issues(name);
}
