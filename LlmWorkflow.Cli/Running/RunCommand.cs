using System.CommandLine;
using System.Text.Json;
using LlmWorkflow.Cli.Checking;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Cli.Running;

/// <summary><c>llmflow run</c>.</summary>
internal sealed class RunCommand
{
    private const int LongestText = 255;

    private readonly Option<string?> _userId = new("--user-id") { Description = "Id of the user that the run is for (context.user_id).", HelpName = "UUID" };
    private readonly Option<string?> _username = new("--username") { Description = "Name of that user (context.username).", HelpName = "NAME" };
    private readonly Option<string?> _action = new("--action") { Description = "What the user was doing (context.action).", HelpName = "TEXT" };
    private readonly Option<bool> _debug = new("--debug") { Description = "Keep prompts and replies with the steps (in --json), and show the engine's warnings." };
    private readonly Option<string[]> _signals = new("--signal") { Description = "Answer of a signal, for approval steps. Repeatable.", HelpName = "NAME=JSON", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _skipWaits = new("--skip-waits") { Description = "Take each wait as over at once." };
    private readonly Option<string?> _record = new("--record") { Description = "Keep all HTTP calls in this file, without keys.", HelpName = "FILE" };
    private readonly Option<string?> _replay = new("--replay") { Description = "Answer HTTP calls from this file; alone, it needs no keys and no network. With --record: ask only what is new.", HelpName = "FILE" };
    private readonly Option<bool> _json = CliHost.JsonOption();
    private readonly JobInput _input = new();

    private RunCommand()
    {
    }

    public static Command Create(CliHost host)
    {
        var own = new RunCommand();
        var name = host.WorkflowArgument();
        own._json.Description = "Print one object: status, output, error, steps, usage, cost_usd.";
        var command = new CliCommand(
            "run",
            "Run a workflow in this process, without servers. Prints its output as JSON; ends 0 completed, 1 failed, 2 not started, 130 interrupted. An upstream without a key is simulated.",
            "llmflow run emergency_contacts --input workflows/samples/emergency_contacts.json",
            "llmflow run emergency_contacts --input - --json < input.json",
            "llmflow run emergency_contacts --input input.json --record calls.json",
            "llmflow run emergency_contacts --input input.json --replay calls.json",
            "llmflow run my_workflow --input-json '{}' --signal approved='{\"ok\":true}' --skip-waits")
        { name };
        own._input.AddTo(command);
        foreach (var option in new Option[] { own._signals, own._skipWaits, own._record, own._replay, own._userId, own._username, own._action, own._debug, own._json })
        {
            command.Add(option);
        }

        command.SetAction(async (arguments, cancellationToken) =>
        {
            var request = own.Read(arguments);
            var loaded = new WorkflowTrees(host, arguments).Load(arguments.GetRequiredValue(name));
            var input = await own._input.ReadAsync(host, arguments, cancellationToken) ?? JsonElement.Parse("{}");
            JobInput.Check(loaded.Workflow.Definition, input);
            return await new RunSession(host, loaded, input, request).RunAsync(cancellationToken);
        });
        return command;
    }

    private static string? Text(ParseResult arguments, Option<string?> option) => arguments.GetValue(option) is not { } text ? null
        : text.Length <= LongestText ? text
        : throw new CliException($"{option.Name} must have at most {LongestText} characters.");

    private static Dictionary<string, JsonElement> Signals(IEnumerable<string> given)
    {
        Dictionary<string, JsonElement> signals = new(StringComparer.Ordinal);
        foreach (var signal in given)
        {
            if (signal.Split('=', 2) is not [var name, var json] || !SignalName.IsValid(name))
            {
                throw new CliException($"--signal '{signal}' must be NAME=JSON, with a name of {SignalName.Rule}.");
            }

            try
            {
                signals[name] = JsonElement.Parse(json);
            }
            catch (JsonException e)
            {
                throw new CliException($"--signal {name}: what follows '=' is not valid JSON (a text needs quotes: '\"yes\"'): {e.Message}");
            }
        }

        return signals;
    }

    private RunRequest Read(ParseResult arguments) => new()
    {
        UserId = arguments.GetValue(_userId) is not { } id ? null : Guid.TryParse(id, out var parsed) ? parsed : throw new CliException("--user-id must be a UUID."),
        Username = Text(arguments, _username),
        Action = Text(arguments, _action),
        Debug = arguments.GetValue(_debug),
        Json = arguments.GetValue(_json),
        SkipWaits = arguments.GetValue(_skipWaits),
        Signals = Signals(arguments.GetValue(_signals) ?? []),
        Record = arguments.GetValue(_record),
        Replay = arguments.GetValue(_replay),
    };
}
