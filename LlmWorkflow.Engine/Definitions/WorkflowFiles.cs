using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.Prompts;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Reads the workflows folder into a snapshot.</summary>
internal sealed class WorkflowFiles(string directory, Func<IReadOnlyList<KnownService>>? services)
{
    /// <summary>Absolute path of the folder.</summary>
    public string Root { get; } = Path.GetFullPath(directory);

    /// <summary>The folder as it is now; the same object when nothing has changed.</summary>
    public CatalogSnapshot Load(CatalogSnapshot before)
    {
        string stamp = Stamp();
        if (stamp == before.Stamp)
        {
            return before;
        }

        List<CatalogProblem> problems = [];
        PriceBook prices = Prices(before, problems);
        DefinitionSurroundings surroundings = new()
        {
            Prompts = PromptLibrary.Read(Path.Combine(Root, "prompts")),
            Services = services?.Invoke(),
            // A folder without a price book, such as the samples', is not checked against an empty one.
            Prices = prices == PriceBook.Empty ? null : prices,
        };
        CheckServices(surroundings.Services ?? [], problems);
        SortedDictionary<string, string> texts = Texts();
        (SpendLimits limits, IReadOnlyList<DefinitionIssue> limitIssues) = Limits(before, texts.Keys, problems);
        WorkflowSet set = new(texts, surroundings, before.Workflows);
        problems.AddRange(set.Problems);
        FrozenDictionary<string, PinnedWorkflow> workflows = set.Pin().ToFrozenDictionary(StringComparer.Ordinal);
        return new CatalogSnapshot
        {
            Workflows = workflows,
            Issues = set.Issues,
            Names = [.. workflows.Keys.Order(StringComparer.Ordinal)],
            Problems = problems,
            Surroundings = set.Surroundings,
            Prices = prices,
            Limits = limits,
            LimitIssues = limitIssues,
            Stamp = stamp,
        };
    }

    private PriceBook Prices(CatalogSnapshot before, List<CatalogProblem> problems)
    {
        string file = Path.Combine(Root, "pricing.json");
        if (!File.Exists(file))
        {
            return PriceBook.Empty;
        }

        (PriceBook? book, IReadOnlyList<DefinitionIssue> issues) = PricingIssues.Read(File.ReadAllText(file, Encoding.UTF8));
        if (book is null)
        {
            problems.Add(new CatalogProblem("pricing.json", issues, before.Prices != PriceBook.Empty));
        }

        return book ?? before.Prices;
    }

    private (SpendLimits Limits, IReadOnlyList<DefinitionIssue> Warnings) Limits(CatalogSnapshot before, IReadOnlyCollection<string> workflows, List<CatalogProblem> problems)
    {
        string file = Path.Combine(Root, "limits.json");
        if (!File.Exists(file))
        {
            return (SpendLimits.None, []);
        }

        (SpendLimits? limits, IReadOnlyList<DefinitionIssue> issues) = LimitsIssues.Read(File.ReadAllText(file, Encoding.UTF8), workflows);
        if (limits is not null)
        {
            return (limits, issues);
        }

        problems.Add(new CatalogProblem("limits.json", issues, before.Limits != SpendLimits.None));
        return (before.Limits, before.LimitIssues);
    }

    /// <summary>Only tells what is broken: the service catalog reads the files by itself, at each call.</summary>
    private void CheckServices(IReadOnlyList<KnownService> known, List<CatalogProblem> problems)
    {
        string folder = Path.Combine(Root, ServiceCatalog.FolderName);
        foreach (string file in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal) : Enumerable.Empty<string>())
        {
            string name = Path.GetFileNameWithoutExtension(file);
            (ServiceDefinition? service, IReadOnlyList<DefinitionIssue> issues) = ServiceIssues.Read(name, File.ReadAllText(file, Encoding.UTF8));
            if (service is null)
            {
                problems.Add(new CatalogProblem($"{ServiceCatalog.FolderName}/{name}.json", issues, known.Any(good => good.Name == name)));
            }
        }
    }

    /// <summary>The definition files' texts by name, with LF as line end.</summary>
    private SortedDictionary<string, string> Texts()
    {
        string folder = Path.Combine(Root, "definitions");
        SortedDictionary<string, string> texts = new(StringComparer.Ordinal);
        foreach (string file in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.json") : [])
        {
            texts[Path.GetFileNameWithoutExtension(file)] = File.ReadAllText(file, Encoding.UTF8).Replace("\r\n", "\n", StringComparison.Ordinal);
        }

        return texts;
    }

    private string Stamp()
    {
        if (!Directory.Exists(Root))
        {
            return "none";
        }

        StringBuilder stamp = new();
        foreach (FileInfo file in new DirectoryInfo(Root).EnumerateFiles("*", SearchOption.AllDirectories)
            .Where(file => file.Extension is ".json" or ".md").OrderBy(file => file.FullName, StringComparer.Ordinal))
        {
            stamp.Append(CultureInfo.InvariantCulture, $"{file.FullName}|{file.Length}|{file.LastWriteTimeUtc.Ticks}\n");
        }

        return stamp.ToString();
    }
}
