using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using LlmWorkflow.Cli.Authoring;
using LlmWorkflow.Cli.Checking;
using LlmWorkflow.Cli.Costs;
using LlmWorkflow.Cli.Running;
using LlmWorkflow.Cli.Services;
using LlmWorkflow.Cli.Stores;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.ServiceDefaults;

namespace LlmWorkflow.Cli;

/// <summary>The command line as a whole: which commands there are, and what becomes of errors.</summary>
internal static class CliApp
{
    // To stop the calls of a run and tell what they cost.
    private static readonly TimeSpan TerminationTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Runs one command.</summary>
    /// <param name="args">The arguments after the program's name.</param>
    /// <param name="host">The world around.</param>
    /// <param name="cancellationToken">As Ctrl-C.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, CliHost host, CancellationToken cancellationToken = default)
    {
        var parsed = Root(host).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction || (parsed.Action is not HelpWithExamples && UnknownOptions(parsed).Any()))
        {
            return Refuse(parsed, host);
        }

        var invocation = new InvocationConfiguration
        {
            Output = host.Out, Error = host.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TerminationTimeout,
        };
        try
        {
            return await parsed.InvokeAsync(invocation, cancellationToken);
        }
        catch (CliException e)
        {
            return Fail(host, e.Message, e.ExitCode);
        }
        catch (SettingsException e)
        {
            return Fail(host, string.Join(System.Environment.NewLine + "error: ", e.Errors), ExitCodes.Usage);
        }
        catch (WorkflowException e)
        {
            return Fail(host, e.Message, ExitCodes.Failure);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Fail(host, e.Message, ExitCodes.Failure);
        }
        catch (OperationCanceledException)
        {
            return Fail(host, "interrupted.", ExitCodes.Interrupted);
        }
    }

    private static RootCommand Root(CliHost host)
    {
        var root = new RootCommand("llmflow: check, draw, plan, run and edit LLM workflows.")
        {
            host.WorkflowsOption,
            ValidateCommand.Create(host),
            DiagramCommand.Create(host),
            DryRunCommand.Create(host),
            RunCommand.Create(host),
            CallCommand.Create(host),
            NewCommand.Create(host),
            EditCommand.Create(host),
            SchemaCommand.Create(host),
            PricesCommand.Create(host),
            UsageCommand.Create(host),
            RecostCommand.Create(host),
            CacheCommand.Create(host),
            MigrateCommand.Create(host),
            CompletionCommand.Create(host),
        };
        var help = root.Options.OfType<HelpOption>().Single();
        var plain = (SynchronousCommandLineAction)help.Action!;
        help.Action = new HelpWithExamples(plain, host);
        // Those of other systems; they would be offered as completions.
        help.Aliases.Remove("/h");
        help.Aliases.Remove("/?");
        root.SetAction(result => plain.Invoke(result));
        return root;
    }

    private static int Fail(CliHost host, string message, int code)
    {
        host.Error.WriteLine($"error: {message}");
        return code;
    }

    private static int Refuse(ParseResult parsed, CliHost host)
    {
        List<string> problems = [.. UnknownOptions(parsed).Concat(parsed.UnmatchedTokens).Distinct().Select(token => Unknown(token, parsed))];
        foreach (var problem in problems.Count > 0 ? problems : parsed.Errors.Select(error => error.Message).Distinct())
        {
            host.Error.WriteLine($"error: {problem}");
        }

        host.Error.WriteLine($"See '{Path(parsed)} --help'.");
        return ExitCodes.Usage;
    }

    // A misspelt option where a command takes arguments counts as one of them; after '--' it is meant.
    private static IEnumerable<string> UnknownOptions(ParseResult parsed) =>
        parsed.Tokens.Any(token => token.Type is TokenType.DoubleDash)
            ? []
            : parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens)
                .Select(token => token.Value).Where(value => value.Length > 1 && value.StartsWith('-'));

    private static string Unknown(string token, ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        return token.StartsWith('-') ? Text("option", [.. Options(parsed).Distinct()])
            : command.Subcommands.Count > 0 ? Text("command", [.. command.Subcommands.Select(sub => sub.Name)])
            : $"'{token}' is one argument too many.";

        string Text(string what, IReadOnlyCollection<string> known) => $"unknown {what} '{token}'. {NearestNames.Suggest(token, known)}".TrimEnd();
    }

    private static IEnumerable<string> Options(ParseResult parsed)
    {
        for (var at = parsed.CommandResult; at is not null; at = at.Parent as CommandResult)
        {
            foreach (var option in at.Command.Options.Where(option => at == parsed.CommandResult || option.Recursive))
            {
                yield return option.Name;
            }
        }
    }

    private static string Path(ParseResult parsed)
    {
        List<string> names = [];
        for (var at = parsed.CommandResult; at is not null; at = at.Parent as CommandResult)
        {
            names.Insert(0, at.Command is RootCommand ? "llmflow" : at.Command.Name);
        }

        return string.Join(' ', names);
    }

    private sealed class HelpWithExamples(SynchronousCommandLineAction plain, CliHost host) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var code = plain.Invoke(parseResult);
            if (parseResult.CommandResult.Command is CliCommand { Examples.Count: > 0 } command)
            {
                host.Out.WriteLine("Examples:");
                foreach (var example in command.Examples)
                {
                    host.Out.WriteLine($"  {example}");
                }

                host.Out.WriteLine();
            }

            return code;
        }
    }
}
