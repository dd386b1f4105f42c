using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Tests.AppHost;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging;
using Npgsql;
using StackExchange.Redis;

namespace LlmWorkflow.Tests.EndToEnd;

/// <summary>Runs jobs on a system in this process, and reads all that it left behind.</summary>
internal static class ServiceRun
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    /// <summary>The status of a job that has ended.</summary>
    public static async Task<JsonElement> RunAsync(SystemInProcess system, string workflow, string input = "{}")
    {
        using var content = new StringContent($$"""{"workflow_name":"{{workflow}}","input_data":{{input}}}""", Encoding.UTF8, "application/json");
        using var response = await system.Http.PostAsync(new Uri("/api/v1/workflow", UriKind.Relative), content);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.Accepted, body);
        var url = new Uri(JsonElement.Parse(body).GetProperty("status_url").GetString()!, UriKind.Relative);
        var status = default(JsonElement);
        await Eventually.TrueAsync(
            async () =>
            {
                status = JsonElement.Parse(await system.Http.GetStringAsync(url));
                return status.GetProperty("status").GetString() is "completed" or "failed" or "cancelled";
            },
            s_patience, "the job's end");
        return status;
    }

    /// <summary>Every row of every table, as text.</summary>
    public static async Task<IReadOnlyList<string>> RowsAsync(SystemInProcess system)
    {
        await using var source = NpgsqlDataSource.Create(system.Database);
        List<string> rows = [];
        foreach (var table in await TextsAsync(source, "select quote_ident(tablename) from pg_tables where schemaname = 'public'"))
        {
            rows.AddRange((await TextsAsync(source, $"select t::text from {table} t")).Select(row => $"{table}: {row}"));
        }

        return rows;
    }

    /// <summary>Every key of the system in Redis, with its value.</summary>
    public static async Task<IReadOnlyList<string>> RedisAsync(SystemInProcess system)
    {
        var redis = await ConnectionMultiplexer.ConnectAsync(await TestServers.GetRedisConnectionAsync());
        try
        {
            var database = redis.GetDatabase();
            List<string> found = [];
            var keys = (string[])(await database.ExecuteAsync("KEYS", $"*{system.RedisPrefix}*"))!;
            foreach (var key in keys)
            {
                found.Add($"{key} = {await ValueAsync(database, key)}");
            }

            return found;
        }
        finally
        {
            await redis.CloseAsync();
        }
    }

    private static async Task<string> ValueAsync(IDatabase database, string key) => (string)(await database.ExecuteAsync("TYPE", key))! switch
    {
        "string" => (string?)await database.StringGetAsync(key) ?? "",
        "hash" => string.Join(", ", await database.HashGetAllAsync(key)),
        "list" => string.Join(", ", await database.ListRangeAsync(key)),
        "set" => string.Join(", ", await database.SetMembersAsync(key)),
        "zset" => string.Join(", ", await database.SortedSetRangeByRankAsync(key)),
        "stream" => Flat(await database.ExecuteAsync("XRANGE", key, "-", "+")),
        _ => "",
    };

    // Answers within answers: only the texts matter.
    private static string Flat(RedisResult result)
    {
        try
        {
            return string.Join(' ', ((RedisResult[])result!).Select(Flat));
        }
        catch (InvalidCastException)
        {
            return (string?)result ?? "";
        }
    }

    private static async Task<IReadOnlyList<string>> TextsAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        List<string> texts = [];
        while (await reader.ReadAsync())
        {
            texts.Add(reader.GetString(0));
        }

        return texts;
    }
}

/// <summary>Keeps everything that is logged: messages, their values, exceptions.</summary>
internal sealed class LogCapture : ILoggerProvider
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, Lines);

    public void Dispose()
    {
    }

    private sealed class Logger(string category, ConcurrentQueue<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            lines.Enqueue($"{category} scope {Values(state)}");
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue($"{category} {logLevel} {formatter(state, exception)} {Values(state)} {exception}");

        private static string Values<TState>(TState state) =>
            state is IEnumerable<KeyValuePair<string, object?>> values ? string.Join(' ', values.Select(value => $"{value.Key}={value.Value}")) : $"{state}";
    }
}
