using System.CommandLine;
using System.Globalization;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Cli.Stores;

/// <summary><c>llmflow migrate</c>.</summary>
internal static class MigrateCommand
{
    public static Command Create(CliHost host)
    {
        var command = new CliCommand(
            "migrate", "Bring the tables of a database up or down, or say how they stand.", "llmflow migrate status", "llmflow migrate up", "llmflow migrate down --to 1 --yes");
        command.Add(Up(host));
        command.Add(Down(host));
        command.Add(Status(host));
        return command;
    }

    private static CliCommand Up(CliHost host)
    {
        var command = new CliCommand("up", "Apply the migrations that are missing.", "llmflow migrate up", "llmflow migrate up --database postgres://user:password@localhost:5432/app");
        return WithDatabase(host, command, (migrator, _, cancellationToken) => migrator.UpAsync(cancellationToken));
    }

    private static CliCommand Down(CliHost host)
    {
        var to = new Option<int>("--to") { Description = "Keep this migration and those before it. Default 0: remove all tables.", HelpName = "VERSION" };
        var yes = new Option<bool>("--yes") { Description = "Needed: what goes is lost, with all jobs in it." };
        var command = new CliCommand("down", "Take migrations back. Deletes data.", "llmflow migrate down --yes", "llmflow migrate down --to 1 --yes") { to, yes };
        return WithDatabase(host, command, (migrator, arguments, cancellationToken) => arguments.GetValue(yes)
            ? migrator.DownAsync(arguments.GetValue(to), cancellationToken)
            : throw new CliException("this deletes tables with all that is in them. Say --yes if you mean it."));
    }

    private static CliCommand Status(CliHost host) => WithDatabase(
        host, new CliCommand("status", "Show which migrations are applied.", "llmflow migrate status --json"), static (_, _, _) => Task.FromResult(0));

    // Each of them does its work and then tells how the tables stand.
    private static CliCommand WithDatabase(CliHost host, CliCommand command, Func<Migrator, ParseResult, CancellationToken, Task<int>> work)
    {
        var database = new CliDatabase(host);
        var json = CliHost.JsonOption();
        command.Add(database.Option);
        command.Add(json);
        command.SetAction((arguments, cancellationToken) => database.UseAsync(arguments, async source =>
        {
            var migrator = new Migrator(source, NullLogger<Migrator>.Instance);
            var changed = await work(migrator, arguments, cancellationToken);
            var missing = await migrator.MissingAsync(cancellationToken);
            await host.Out.WriteLineAsync((arguments.GetValue(json) ? Json(changed, missing) : Text(command.Name, changed, missing)).AsMemory(), cancellationToken);
            return ExitCodes.Success;
        }));
        return command;
    }

    private static string Text(string command, int changed, IReadOnlyList<Migration> missing)
    {
        List<string> lines = [];
        if (command != "status")
        {
            var number = string.Create(CultureInfo.InvariantCulture, $"{changed} {(changed == 1 ? "migration" : "migrations")}");
            lines.Add(command == "up" ? $"{number} applied." : $"{number} taken back.");
        }

        lines.AddRange(Migrator.All.Select(migration => string.Create(
            CultureInfo.InvariantCulture, $"{migration.Version:0000} {migration.Name}: {(missing.Contains(migration) ? "missing" : "applied")}")));
        return string.Join(Environment.NewLine, lines);
    }

    private static string Json(int changed, IReadOnlyList<Migration> missing) => CliJson.Text(writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("changed", changed);
        writer.WriteBoolean("current", missing.Count == 0);
        writer.WriteStartArray("migrations");
        foreach (var migration in Migrator.All)
        {
            writer.WriteStartObject();
            writer.WriteNumber("version", migration.Version);
            writer.WriteString("name", migration.Name);
            writer.WriteBoolean("applied", !missing.Contains(migration));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });
}
