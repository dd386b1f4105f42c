using System.CommandLine;
using LlmWorkflow.Cli.Checking;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Cli.Services;

/// <summary><c>llmflow call</c>.</summary>
internal sealed class CallCommand
{
    private const double LongestTimeout = 3600;

    private readonly CliHost _host;
    private readonly Argument<string?> _service;
    private readonly Argument<string?> _operation;
    private readonly Option<string[]> _values = new("--param", "-p")
    {
        Description = "A parameter: text, or JSON where the operation takes something else; @FILE reads a file. Repeatable.", HelpName = "NAME=VALUE", Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _file = new("--params") { Description = "File with parameters, a JSON object; '-' reads standard input. --param goes before it.", HelpName = "FILE" };
    private readonly Option<double?> _timeout = new("--timeout") { Description = "Give up after so long, retries included. Default: as the service's file says.", HelpName = "SECONDS" };
    private readonly Option<bool> _json = CliHost.JsonOption();

    private CallCommand(CliHost host)
    {
        _host = host;
        _service = new("service") { Description = "Name of the service.", HelpName = "SERVICE", Arity = ArgumentArity.ZeroOrOne };
        _operation = new("operation") { Description = "Name of the operation.", HelpName = "OPERATION", Arity = ArgumentArity.ZeroOrOne };
        _service.CompletionSources.Add(context => Known(context.ParseResult, static (services, _) => services.Names));
        _operation.CompletionSources.Add(context => Known(context.ParseResult, (services, arguments) => arguments.GetValue(_service) is { } name ? services.Get(name).Operations.Keys : []));
        _json.Description = "Print one object: service, operation, status_code, cached, duration_ms, data or error.";
    }

    public static Command Create(CliHost host)
    {
        var own = new CallCommand(host);
        var command = new CliCommand(
            "call",
            "Call an operation of an external service in this process. Prints its data as JSON; ends 0 done, 1 failed, 2 not started. Without an operation it lists what there is. A service without a key is simulated.",
            "llmflow call",
            "llmflow call google_places",
            "llmflow call google_places nearby_search --param lat=30.2672 --param lng=-97.7431 --param types='[\"hospital\"]'",
            "llmflow call google_places nearby_search --params point.json --param radius=2000 --json")
        { own._service, own._operation, own._values, own._file, own._timeout, own._json };
        command.SetAction(own.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var tree = new WorkflowTrees(_host, arguments).Main();
        var services = tree.Services;
        var list = new ServiceList(_host, arguments.GetValue(_json));
        if (arguments.GetValue(_service) is not { } name)
        {
            return list.Print(services);
        }

        try
        {
            var service = services.Get(name);
            if (arguments.GetValue(_operation) is not { } operationName)
            {
                return list.Print(service);
            }

            var operation = ServiceCatalog.GetOperation(service, operationName);
            var given = new ParameterValues(_host, operation);
            var call = new ServiceCall
            {
                Service = name,
                Operation = operationName,
                Parameters = await given.ReadAsync(arguments.GetValue(_file), arguments.GetValue(_values) ?? [], cancellationToken),
            };
            return await new CallSession(_host, tree, service, arguments.GetValue(_json)).RunAsync(call, Timeout(arguments), cancellationToken);
        }
        catch (WorkflowException e)
        {
            throw new CliException(string.Join(Environment.NewLine, [e.Message, .. (e.Error.Details?.Suggestions ?? []).Select(suggestion => $"  {suggestion}")]));
        }
    }

    private double? Timeout(ParseResult arguments) => arguments.GetValue(_timeout) is not { } seconds ? null
        : seconds is > 0 and <= LongestTimeout ? seconds
        : throw new CliException($"--timeout must be above 0 and at most {LongestTimeout} seconds.");

    // Completions never fail: what is wrong is said when the command runs.
    private IEnumerable<string> Known(ParseResult arguments, Func<ServiceCatalog, ParseResult, IEnumerable<string>> names)
    {
        try
        {
            return names(new WorkflowTrees(_host, arguments).Main().Services, arguments);
        }
        catch (Exception e) when (e is CliException or WorkflowException)
        {
            return [];
        }
    }
}
