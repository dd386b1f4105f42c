using System.Reflection;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmWorkflow.Engine.Storage;

/// <summary>
/// Brings the schema up or down by the embedded SQL pairs <c>NNNN_name.up.sql</c> and <c>.down.sql</c>. All pending steps run in one
/// transaction under an advisory transaction lock, so that several processes may start at once, through a transaction-mode pooler too.
/// </summary>
public sealed partial class Migrator(NpgsqlDataSource dataSource, ILogger<Migrator> logger)
{
    // Arbitrary, and fixed for good: two releases that start together must take the same lock.
    private const long LockKey = 7_164_203_881_422;

    private const string CreateVersions = """
        create table if not exists llm_schema_migrations (
            version integer primary key, name text not null, applied_at timestamptz not null default now())
        """;

    /// <summary>The migrations that this build carries, in order.</summary>
    public static IReadOnlyList<Migration> All { get; } = Load();

    /// <summary>Applies what is missing. Returns how many were applied.</summary>
    public async Task<int> UpAsync(CancellationToken cancellationToken)
    {
        // Looked at without the lock first: the usual start finds nothing to do and takes no lock.
        if (await MissingAsync(cancellationToken) is [])
        {
            return 0;
        }

        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await LockAsync(connection, cancellationToken);
        var applied = await AppliedAsync(connection, cancellationToken);
        var missing = All.Where(m => !applied.Contains(m.Version)).ToList();
        foreach (var migration in missing)
        {
            await MigrateAsync(connection, migration.Up, cancellationToken);
            await using var record = new NpgsqlCommand("insert into llm_schema_migrations (version, name) values ($1, $2)", connection);
            record.Parameters.Add(new() { Value = migration.Version });
            record.Parameters.Add(new() { Value = migration.Name });
            await record.ExecuteNonQueryAsync(cancellationToken);
            Log.MigrationApplied(logger, migration.Version, migration.Name);
        }

        await transaction.CommitAsync(cancellationToken);
        return missing.Count;
    }

    /// <summary>Takes back migrations above <paramref name="target"/>; 0 removes all tables. Returns how many were taken back.</summary>
    public async Task<int> DownAsync(int target, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await LockAsync(connection, cancellationToken);
        var applied = await AppliedAsync(connection, cancellationToken);
        var count = 0;
        foreach (var migration in All.Reverse().Where(m => m.Version > target && applied.Contains(m.Version)))
        {
            await MigrateAsync(connection, migration.Down, cancellationToken);
            await using var record = new NpgsqlCommand("delete from llm_schema_migrations where version = $1", connection);
            record.Parameters.Add(new() { Value = migration.Version });
            await record.ExecuteNonQueryAsync(cancellationToken);
            Log.MigrationTakenBack(logger, migration.Version, migration.Name);
            count++;
        }

        await transaction.CommitAsync(cancellationToken);
        return count;
    }

    /// <summary>The migrations that the database lacks, in order.</summary>
    public async Task<IReadOnlyList<Migration>> MissingAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var exists = new NpgsqlCommand("select to_regclass('llm_schema_migrations') is not null", connection);
        if (await exists.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return All;
        }

        var applied = await AppliedAsync(connection, cancellationToken);
        return [.. All.Where(m => !applied.Contains(m.Version))];
    }

    private static async Task LockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await ExecuteAsync(connection, $"select pg_advisory_xact_lock({LockKey})", cancellationToken);
        await ExecuteAsync(connection, CreateVersions, cancellationToken);
    }

    private static async Task<HashSet<int>> AppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var versions = new HashSet<int>();
        await using var command = new NpgsqlCommand("select version from llm_schema_migrations", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            versions.Add(reader.GetInt32(0));
        }

        return versions;
    }

    // However long it takes: one that is broken off begins anew, and would never come to its end.
    private static async Task MigrateAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static List<Migration> Load()
    {
        var assembly = typeof(Migrator).Assembly;
        var migrations = new List<Migration>();
        foreach (var up in assembly.GetManifestResourceNames())
        {
            if (ResourceName().Match(up) is { Success: true } match)
            {
                var name = match.Groups["name"].Value;
                var down = up[..^"up.sql".Length] + "down.sql";
                var version = int.Parse(match.Groups["version"].Value, System.Globalization.CultureInfo.InvariantCulture);
                migrations.Add(new(version, name, Read(assembly, up), Read(assembly, down)));
            }
        }

        return [.. migrations.OrderBy(m => m.Version)];
    }

    private static string Read(Assembly assembly, string resource)
    {
        using var stream = assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The migration {resource} is missing: every up needs its down.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"\.(?<version>\d{4})_(?<name>\w+)\.up\.sql$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex ResourceName();
}

/// <summary>One pair of SQL files.</summary>
/// <param name="Version">Its number.</param>
/// <param name="Name">Its name.</param>
/// <param name="Up">SQL that applies it.</param>
/// <param name="Down">SQL that takes it back.</param>
public sealed record Migration(int Version, string Name, string Up, string Down);
