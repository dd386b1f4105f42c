using System.Net.Sockets;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmWorkflow.Engine.Storage;

/// <summary>The database and what to do when it is away.</summary>
public sealed class Database(NpgsqlDataSource dataSource, TimeProvider time, ILogger<Database> logger)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(1);

    /// <summary>Connections.</summary>
    public NpgsqlDataSource Source { get; } = dataSource;

    /// <summary>Whether the failure passes by itself: the server is starting, stopping, out of reach, or asks to try again.</summary>
    public static bool IsTransient(Exception exception) => exception switch
    {
        // 57P01..57P03: shutdown and start-up; 25006: not the primary any more; 53300: too many connections; 40001, 40P01: try the transaction again;
        // 57014, 55P03, 57P05, 25P03: broken off by a time limit of the server or by its operator; class 08: connection.
        PostgresException { SqlState: "57P01" or "57P02" or "57P03" or "25006" or "53300" or "40001" or "40P01" or "57014" or "55P03" or "57P05" or "25P03" } => true,
        PostgresException { SqlState: ['0', '8', ..] } => true,
        PostgresException => false,
        NpgsqlException or SocketException or TimeoutException or EndOfStreamException => true,
        _ => false,
    };

    /// <summary>Runs a statement; gives the number of rows it changed.</summary>
    internal async Task<int> ExecuteAsync(string sql, Action<NpgsqlCommand> bind, CancellationToken cancellationToken)
    {
        await using var command = Source.CreateCommand(sql);
        bind(command);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Runs a statement; gives its rows.</summary>
    internal async Task<IReadOnlyList<T>> ReadAsync<T>(
        string sql, Action<NpgsqlCommand> bind, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        await using var command = Source.CreateCommand(sql);
        bind(command);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>
    /// Repeats a write while the database is away, with growing delays up to one second. Only for writes that are harmless when repeated.
    /// </summary>
    public async Task<T> UntilDoneAsync<T>(Func<CancellationToken, Task<T>> write, CancellationToken cancellationToken)
    {
        var delay = FirstDelay;
        while (true)
        {
            try
            {
                return await write(cancellationToken);
            }
            catch (Exception e) when (IsTransient(e))
            {
                Log.DatabaseAway(logger, e.Message);
            }

            await Task.Delay(delay, time, cancellationToken);
            delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
        }
    }
}
