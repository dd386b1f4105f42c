using System.CommandLine;
using System.Globalization;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Cli.Checking;

/// <summary><c>llmflow validate</c>.</summary>
internal static class ValidateCommand
{
    public static Command Create(CliHost host)
    {
        var files = new Argument<string[]>("workflows")
        {
            Description = "Names of workflows, paths of files or folders. None: everything in the workflows folder.", HelpName = "NAME|FILE|DIR", Arity = ArgumentArity.ZeroOrMore,
        };
        files.CompletionSources.Add(context => host.WorkflowNames(context.ParseResult));
        var strict = new Option<bool>("--strict") { Description = "Warnings count as errors." };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Only what makes it fail; no summary." };
        var json = CliHost.JsonOption();
        var command = new CliCommand(
            "validate",
            "Check definitions: one line per issue (file:line:column severity CODE message). Ends 0 without errors, 1 with.",
            "llmflow validate",
            "llmflow validate emergency_contacts --strict",
            "llmflow validate workflows/definitions/*.json --json")
        { files, strict, quiet, json };
        command.SetAction(arguments =>
        {
            var trees = new WorkflowTrees(host, arguments);
            var found = arguments.GetValue(files) is { Length: > 0 } named ? named.SelectMany(trees.Check).DistinctBy(file => host.FullPath(file.File)).ToList() : All(trees.Main());
            if (found.Count == 0)
            {
                throw new CliException("there are no definitions there.");
            }

            var report = new Report(found, arguments.GetValue(strict));
            if (arguments.GetValue(json))
            {
                host.Out.WriteLine(report.ToJson());
            }
            else
            {
                report.Print(host, arguments.GetValue(quiet));
            }

            return report.IsValid ? ExitCodes.Success : ExitCodes.Failure;
        });
        return command;
    }

    private static List<CheckedFile> All(WorkflowTree tree)
    {
        List<CheckedFile> found = [.. tree.Files(), .. tree.Others()];
        return found.Count > 0 ? found : throw new CliException($"there are no definitions in '{tree.Root}'.");
    }

    private sealed record Report(IReadOnlyList<CheckedFile> Files, bool Strict)
    {
        public bool IsValid => Files.All(IsFileValid);

        private int Errors => Count(IssueSeverity.Error);

        private int Warnings => Count(IssueSeverity.Warning);

        public void Print(CliHost host, bool quiet)
        {
            foreach (var file in Files)
            {
                foreach (var issue in file.Issues.Where(issue => !quiet || Counts(issue)))
                {
                    host.Out.WriteLine(IssueText.Line(file.File, issue));
                }
            }

            if (!quiet)
            {
                host.Error.WriteLine($"{Number(Files.Count, "file")}: {Number(Errors, "error")}, {Number(Warnings, "warning")}");
            }
        }

        public string ToJson() => CliJson.Text(writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("valid", IsValid);
            writer.WriteNumber("errors", Errors);
            writer.WriteNumber("warnings", Warnings);
            writer.WriteStartArray("files");
            foreach (var file in Files)
            {
                writer.WriteStartObject();
                writer.WriteString("file", file.File);
                writer.WriteBoolean("valid", IsFileValid(file));
                writer.WriteStartArray("issues");
                foreach (var issue in file.Issues)
                {
                    IssueText.Write(writer, issue);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });

        private static string Number(int count, string noun) => string.Create(CultureInfo.InvariantCulture, $"{count} {noun}{(count == 1 ? "" : "s")}");

        private bool IsFileValid(CheckedFile file) => !file.Issues.Any(Counts);

        private bool Counts(DefinitionIssue issue) => issue.Severity is IssueSeverity.Error || (Strict && issue.Severity is IssueSeverity.Warning);

        private int Count(IssueSeverity severity) => Files.Sum(file => file.Issues.Count(issue => issue.Severity == severity));
    }
}
