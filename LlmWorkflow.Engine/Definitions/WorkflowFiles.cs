using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
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
            Prices = prices,
        };
        Dictionary<string, PinnedWorkflow> workflows = new(StringComparer.Ordinal);
        Dictionary<string, IReadOnlyList<DefinitionIssue>> issues = new(StringComparer.Ordinal);
        foreach (string file in Definitions())
        {
            string name = Path.GetFileNameWithoutExtension(file);
            string json = File.ReadAllText(file, Encoding.UTF8).Replace("\r\n", "\n", StringComparison.Ordinal);
            ValidationResult result = DefinitionValidator.Validate(json, name, surroundings);
            issues[name] = result.Issues;
            if (result.Definition is { } definition)
            {
                workflows[name] = PinnedWorkflows.Pin(definition, json, result.UsedPrompts, surroundings.Prompts);
                continue;
            }

            bool hasLastGood = before.Workflows.TryGetValue(name, out PinnedWorkflow? lastGood);
            problems.Add(new CatalogProblem($"definitions/{name}.json", result.Issues, hasLastGood));
            if (hasLastGood)
            {
                workflows[name] = lastGood!;
            }
        }

        return new CatalogSnapshot
        {
            Workflows = workflows.ToFrozenDictionary(StringComparer.Ordinal),
            Issues = issues,
            Names = [.. workflows.Keys.Order(StringComparer.Ordinal)],
            Problems = problems,
            Prices = prices,
            Surroundings = surroundings,
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

        try
        {
            return PriceBookReader.Parse(File.ReadAllText(file, Encoding.UTF8));
        }
        catch (WorkflowException exception)
        {
            DefinitionIssue issue = new()
            {
                Code = IssueCodes.InvalidValue,
                Severity = IssueSeverity.Error,
                JsonPointer = "",
                Line = 1,
                Column = 1,
                Message = exception.Message,
            };
            problems.Add(new CatalogProblem("pricing.json", [issue], before.Prices != PriceBook.Empty));
            return before.Prices;
        }
    }

    private IEnumerable<string> Definitions()
    {
        string folder = Path.Combine(Root, "definitions");
        return Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal) : [];
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
