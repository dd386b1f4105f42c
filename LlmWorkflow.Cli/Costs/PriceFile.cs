using System.CommandLine;
using System.Text;
using LlmWorkflow.Cli.Checking;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Cli.Costs;

/// <summary>The <c>pricing.json</c> of the workflows folder.</summary>
internal static class PriceFile
{
    /// <summary>The price book.</summary>
    /// <exception cref="CliException">There is none, or it has faults.</exception>
    public static PriceBook Read(CliHost host, ParseResult arguments)
    {
        var file = Path.Combine(host.WorkflowsDirectory(arguments), "pricing.json");
        if (!File.Exists(file))
        {
            throw new CliException($"there is no file '{host.Shown(file)}'.");
        }

        var (book, issues) = PricingIssues.Read(File.ReadAllText(file, Encoding.UTF8));
        return book ?? throw new CliException(string.Join(
            Environment.NewLine, [$"{host.Shown(file)} is not valid:", .. issues.Select(issue => IssueText.Line(host.Shown(file), issue))]));
    }

    /// <summary>Its ids, for completions; none when it cannot be read.</summary>
    public static IEnumerable<string> Models(CliHost host, ParseResult arguments)
    {
        try
        {
            return Read(host, arguments).Models.Order(StringComparer.Ordinal);
        }
        catch (CliException)
        {
            return [];
        }
    }
}
