using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using LlmWorkflow.Cli.Authoring;
using LlmWorkflow.Cli.Checking;
using LlmWorkflow.Cli.Running;
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
        if (parsed.Action is ParseErrorAction)
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
        var root = new RootCommand("llmflow: check, draw, plan and run LLM workflows.")
        {
            host.WorkflowsOption,
            ValidateCommand.Create(host),
            DiagramCommand.Create(host),
            DryRunCommand.Create(host),
            RunCommand.Create(host),
            NewCommand.Create(host),
            EditCommand.Create(host),
            SchemaCommand.Create(host),
            MigrateCommand.Create(host),
        };
        var help = root.Options.OfType<HelpOption>().Single();
        var plain = (SynchronousCommandLineAction)help.Action!;
        help.Action = new HelpWithExamples(plain, host);
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
        var command = parsed.CommandResult.Command;
        var unmatched = parsed.UnmatchedTokens;
        foreach (var token in unmatched)
        {
            host.Error.WriteLine($"error: {Unknown(token, command, parsed)}");
        }

        foreach (var error in parsed.Errors.Where(error => unmatched.Count == 0 || !error.Message.Contains('\'', StringComparison.Ordinal)).Take(unmatched.Count == 0 ? int.MaxValue : 0))
        {
            host.Error.WriteLine($"error: {error.Message}");
        }

        host.Error.WriteLine($"See '{Path(parsed)} --help'.");
        return ExitCodes.Usage;
    }

    private static string Unknown(string token, Command command, ParseResult parsed)
    {
        if (token.StartsWith('-'))
        {
            var options = Options(parsed).Distinct().ToList();
            return $"unknown option '{token}'. {NearestNames.Suggest(token, options)}".TrimEnd();
        }

        return command.Subcommands.Count > 0
            ? $"unknown command '{token}'. {NearestNames.Suggest(token, [.. command.Subcommands.Select(sub => sub.Name)])}".TrimEnd()
            : $"'{token}' is one argument too many.";
    }

    private static IEnumerable<string> Options(ParseResult parsed)
    {
        for (var at = parsed.CommandResult; at is not null; at = at.Parent as System.CommandLine.Parsing.CommandResult)
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
        for (var at = parsed.CommandResult; at is not null; at = at.Parent as System.CommandLine.Parsing.CommandResult)
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
