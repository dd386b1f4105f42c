using System.CommandLine;
using System.Globalization;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.ServiceDefaults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

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
        var database = new Option<string?>("--database") { Description = "The database. Default: $DATABASE_URL.", HelpName = "URL" };
        var json = CliHost.JsonOption();
        command.Add(database);
        command.Add(json);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var source = NpgsqlDataSource.Create(Connection(host, arguments.GetValue(database)));
            var migrator = new Migrator(source, NullLogger<Migrator>.Instance);
            try
            {
                var changed = await work(migrator, arguments, cancellationToken);
                var missing = await migrator.MissingAsync(cancellationToken);
                await host.Out.WriteLineAsync((arguments.GetValue(json) ? Json(changed, missing) : Text(command.Name, changed, missing)).AsMemory(), cancellationToken);
                return ExitCodes.Success;
            }
            catch (NpgsqlException e)
            {
                // Npgsql's message names host and port, and never the password.
                throw new CliException($"the database: {e.Message}", ExitCodes.Failure);
            }
        });
        return command;
    }

    private static string Connection(CliHost host, string? given)
    {
        string[] names = ["DATABASE_URL", "DATABASE_POOL_SIZE", "DATABASE_NO_RESET_ON_CLOSE"];
        var values = names.ToDictionary(name => name, host.Environment);
        values["ConnectionStrings:llmworkflow"] = host.Environment("ConnectionStrings__llmworkflow");
        values["DATABASE_URL"] = given ?? values["DATABASE_URL"];
        var settings = new SettingsReader(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        var connection = PostgresSettings.Read(settings, "llmflow", development: false);
        settings.ThrowIfAny();
        return connection!.ConnectionString;
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
