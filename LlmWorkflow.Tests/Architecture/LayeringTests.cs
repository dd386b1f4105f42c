using System.Text.RegularExpressions;
using System.Xml.Linq;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Architecture;

/// <summary>Who may use whom: between projects, and between the folders of the engine.</summary>
public sealed partial class LayeringTests
{
    private const string Engine = "LlmWorkflow.Engine";

    // A folder uses itself and what stands before it.
    private static readonly string[] Order =
    [
        "Diagnostics", "Expressions", "Prompts", "Jobs", "Storage", "Costs", "Queue", "Transforms", "ExternalServices", "Providers", "Definitions",
        "Submission", "Steps", "Execution", "Webhooks", "Maintenance",
    ];

    private static readonly Dictionary<string, string[]> References = new()
    {
        ["Engine"] = [],
        ["Client"] = [],
        ["ServiceDefaults"] = [],
        ["Api"] = ["Client", "Engine", "ServiceDefaults"],
        ["Worker"] = ["Engine", "ServiceDefaults"],
        ["Cli"] = ["Client", "Engine", "ServiceDefaults"],
        ["Benchmarks"] = ["Engine"],
        ["Simulator"] = ["ServiceDefaults"],
        ["AppHost"] = ["Api", "Client", "Simulator", "Worker"],
        ["Tests"] = ["Api", "AppHost", "Cli", "Client", "Engine", "ServiceDefaults", "Simulator", "Worker"],
    };

    [Fact]
    public void ProjectReferences_EachProject_AreThoseAllowed()
    {
        var projects = Directory.EnumerateDirectories(Repository.Root, "LlmWorkflow.*").SelectMany(folder => Directory.EnumerateFiles(folder, "*.csproj"));
        var found = projects.ToDictionary(
            path => Path.GetFileNameWithoutExtension(path)["LlmWorkflow.".Length..],
            path => Included(path).Order(StringComparer.Ordinal).ToArray());

        Assert.Equal(References.Keys.Order(StringComparer.Ordinal), found.Keys.Order(StringComparer.Ordinal));
        Assert.All(found, project => Assert.Equal(References[project.Key], project.Value));
    }

    [Fact]
    public void AppHost_ItsSource_UsesNoTypeOfTheProjectsItStarts()
    {
        var uses = SourceFile.All.Where(file => file.Folder.StartsWith("LlmWorkflow.AppHost", StringComparison.Ordinal))
            .SelectMany(file => OtherProject().Matches(file.Code).Select(match => $"{file.Path}: {match.Value}"));

        Assert.Empty(uses);
    }

    [Fact]
    public void EngineFolders_EachOne_StandsInTheOrder()
    {
        var folders = EngineFiles().Select(EngineFolder).Where(folder => folder.Length > 0).Distinct().Order(StringComparer.Ordinal);

        Assert.Equal(Order.Order(StringComparer.Ordinal), folders);
    }

    [Fact]
    public void EngineFolders_TheirSource_UseOnlyFoldersToTheirLeft()
    {
        var violations =
            from file in EngineFiles()
            let own = Array.IndexOf(Order, EngineFolder(file))
            where own >= 0
            from used in Used(file.Code)
            where Array.IndexOf(Order, used) > own
            select $"{file.Path} uses {used}";

        Assert.Empty(violations);
    }

    // What the folder test itself rests on: it must see each way in which a folder can be named.
    [Theory]
    [InlineData("using LlmWorkflow.Engine.Webhooks;")]
    [InlineData("using static LlmWorkflow.Engine.Webhooks.WebhookRetry;")]
    [InlineData("using Sender = LlmWorkflow.Engine.Webhooks.WebhookSender;")]
    [InlineData("    private readonly Webhooks.WebhookSender sender;")]
    [InlineData("        var x = (Engine.Webhooks.WebhookSender)y;")]
    public void Used_EveryWayToNameAFolder_IsSeen(string code) => Assert.Contains("Webhooks", Used(code));

    [Fact]
    public void Used_MembersAndOtherNamespaces_AreNotFolders() =>
        Assert.Empty(Used("using System.Diagnostics;\nvar n = definition.Steps.Count + this.Steps.Count;"));

    private static IEnumerable<SourceFile> EngineFiles() => SourceFile.All.Where(file => file.Path.StartsWith(Engine + "/", StringComparison.Ordinal));

    private static string EngineFolder(SourceFile file) => file.Folder.Length == Engine.Length ? "" : file.Folder[(Engine.Length + 1)..].Split('/')[0];

    private static IEnumerable<string> Used(string code) => Folder().Matches(code).Select(match => match.Groups[1].Value).Distinct()
        .Where(name => Order.Contains(name) && !IsMember(code, name));

    // Steps.Count is a property of the class, Steps.StepContext is a type of the folder: what follows the folder's name in all places must be a type there.
    private static bool IsMember(string code, string folder)
    {
        var types = EngineFiles().Where(file => EngineFolder(file) == folder)
            .SelectMany(file => Declared().Matches(file.Code).Select(match => match.Groups[1].Value)).ToHashSet();
        return !Folder().Matches(code).Any(match =>
            match.Groups[1].Value == folder && (match.Value.Contains("Engine.", StringComparison.Ordinal) || types.Contains(match.Groups[2].Value)));
    }

    private static IEnumerable<string> Included(string project) => XDocument.Load(project).Descendants("ProjectReference")
        .Select(reference => (string?)reference.Attribute("Include") ?? "")
        .Where(include => include.EndsWith(".csproj", StringComparison.Ordinal))
        .Select(include => Path.GetFileNameWithoutExtension(include)["LlmWorkflow.".Length..]);

    [GeneratedRegex(@"(?<![\w.])(?:LlmWorkflow\.)?(?:Engine\.)?([A-Z]\w+)(?:\.(\w+)|;)")]
    private static partial Regex Folder();

    [GeneratedRegex(@"\b(?:class|record|struct|record struct|interface|enum|delegate [\w<>?\[\], ]+) ([A-Z]\w*)")]
    private static partial Regex Declared();

    [GeneratedRegex(@"\bLlmWorkflow\.(?:Api|Worker|Simulator|Engine|ServiceDefaults)\b")]
    private static partial Regex OtherProject();
}
