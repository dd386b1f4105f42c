using System.Collections.Concurrent;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.Storage;

/// <summary>Pinned definitions by hash: a job runs with the text it was submitted with, whatever was deployed since.</summary>
public sealed class DefinitionStore(Database database)
{
    private const string InsertSql = """
        insert into llm_workflow_definitions (hash, name, definition, prompts, workflows) values ($1, $2, $3, $4::json, $5::jsonb) on conflict (hash) do nothing
        """;

    private const string SelectSql = "select name, definition, prompts::text, workflows::text from llm_workflow_definitions where hash = $1";

    // Hashes known to be stored: one round trip per definition and process, not per job.
    private readonly ConcurrentDictionary<string, bool> _stored = new();

    /// <summary>Makes sure that the definition is stored.</summary>
    public async Task EnsureAsync(StoredDefinition definition, CancellationToken cancellationToken)
    {
        if (_stored.ContainsKey(definition.Hash))
        {
            return;
        }

        await using var command = database.Source.CreateCommand(InsertSql);
        command.Add(NpgsqlDbType.Text, definition.Hash);
        command.Add(NpgsqlDbType.Text, definition.Name);
        command.Add(NpgsqlDbType.Text, definition.Json);
        command.Add(NpgsqlDbType.Text, JsonSerializer.Serialize(new(definition.Prompts), EngineJson.Default.DictionaryStringString));
        command.Add(NpgsqlDbType.Text, JsonSerializer.Serialize(new(definition.Workflows), EngineJson.Default.DictionaryStringString));
        await command.ExecuteNonQueryAsync(cancellationToken);
        _stored[definition.Hash] = true;
    }

    /// <summary>Forgets which definitions are stored: called when the database turns out not to have one (it was reset).</summary>
    public void Forget(string hash) => _stored.TryRemove(hash, out _);

    /// <summary>The stored definition; null when there is none. Waits while the database is away.</summary>
    public Task<StoredDefinition?> FindAsync(string hash, CancellationToken cancellationToken) =>
        database.UntilDoneAsync(ct => FindOnceAsync(hash, ct), cancellationToken);

    private async Task<StoredDefinition?> FindOnceAsync(string hash, CancellationToken cancellationToken)
    {
        await using var command = database.Source.CreateCommand(SelectSql);
        command.Add(NpgsqlDbType.Text, hash);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        return new(hash, reader.GetString(0), reader.GetString(1), Texts(reader.GetString(2)), Texts(reader.GetString(3)));
    }

    private static Dictionary<string, string> Texts(string json) => JsonSerializer.Deserialize(json, EngineJson.Default.DictionaryStringString) ?? [];
}

/// <summary>A definition as stored.</summary>
/// <param name="Hash">Lower-case hex SHA-256.</param>
/// <param name="Name">The workflow's name.</param>
/// <param name="Json">The file's text.</param>
/// <param name="Prompts">Prompt files by path.</param>
/// <param name="Workflows">Texts of the workflows that it runs, by name.</param>
public sealed record StoredDefinition(
    string Hash, string Name, string Json, IReadOnlyDictionary<string, string> Prompts, IReadOnlyDictionary<string, string> Workflows);
