using System.CommandLine;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.ServiceDefaults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace LlmWorkflow.Cli.Stores;

/// <summary>The database of commands that need one: <c>--database</c>, else <c>DATABASE_URL</c>.</summary>
internal sealed class CliDatabase(CliHost host)
{
    /// <summary><c>--database</c>.</summary>
    public Option<string?> Option { get; } = new("--database") { Description = "The database. Default: $DATABASE_URL.", HelpName = "URL" };

    /// <summary>Does something with it.</summary>
    /// <exception cref="CliException">It does not answer, or refuses.</exception>
    /// <exception cref="SettingsException">The settings are wrong.</exception>
    public async Task<T> UseAsync<T>(ParseResult arguments, Func<NpgsqlDataSource, Task<T>> work)
    {
        await using var source = NpgsqlDataSource.Create(Connection(arguments.GetValue(Option)));
        try
        {
            return await work(source);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn)
        {
            throw new CliException($"the tables are not those of this llmflow ({e.MessageText}). 'llmflow migrate up' brings them up.", ExitCodes.Failure);
        }
        catch (NpgsqlException e)
        {
            // Npgsql's message names host and port, and never the password.
            throw new CliException($"the database: {e.Message}", ExitCodes.Failure);
        }
    }

    /// <summary>The stores' view of it.</summary>
    public Database Stores(NpgsqlDataSource source) => new(source, host.Time, NullLogger<Database>.Instance);

    private string Connection(string? given)
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
}
