using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Expressions;
using Npgsql;
using NpgsqlTypes;

namespace LlmWorkflow.Engine.Storage;

/// <summary>Parameters and columns as the stores need them.</summary>
internal static class SqlValues
{
    /// <summary>Adds the next positional parameter: one array column of a batch.</summary>
    public static void AddColumn<TItem, TValue>(this NpgsqlCommand command, NpgsqlDbType type, IReadOnlyList<TItem> items, Func<TItem, TValue> value)
    {
        var column = new TValue[items.Count];
        for (var i = 0; i < column.Length; i++)
        {
            column[i] = value(items[i]);
        }

        command.Parameters.Add(new NpgsqlParameter { Value = column, NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    /// <summary>Adds the next positional parameter.</summary>
    public static void Add(this NpgsqlCommand command, NpgsqlDbType type, object? value) =>
        command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = type });

    /// <summary>Text of an array, for a cast to <c>text[]</c>: a batch cannot carry arrays of different lengths.</summary>
    public static string ArrayText(IReadOnlyList<string> values)
    {
        if (values.Count == 0)
        {
            return "{}";
        }

        var text = new StringBuilder("{");
        foreach (var value in values)
        {
            text.Append(text.Length > 1 ? "," : "").Append('"');
            text.Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        }

        return text.Append('}').ToString();
    }

    /// <summary>
    /// JSON text that Postgres takes: NUL, which no Postgres text can hold, becomes U+FFFD. Input with NUL is refused at the door; this is
    /// for what models and upstreams send.
    /// </summary>
    public static string? Json(JsonElement value) => value.ValueKind is JsonValueKind.Undefined ? null : Json(value.GetRawText());

    /// <inheritdoc cref="Json(JsonElement)"/>
    public static string Json(string text) =>
        text.Contains("\\u0000", StringComparison.Ordinal) ? ReplaceNul(text) : text;

    /// <summary>A json column; Undefined when it is null. Outputs may be deeper than what is accepted from outside: steps put values into each other.</summary>
    public static JsonElement GetJson(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? default : JsonElement.Parse(reader.GetString(column), new JsonDocumentOptions { MaxDepth = JsonValues.MaxDepth });

    /// <summary>A nullable text column.</summary>
    public static string? GetText(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    /// <summary>A nullable numeric column.</summary>
    public static decimal? GetDecimalOrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetDecimal(column);

    /// <summary>A timestamptz column.</summary>
    public static DateTimeOffset GetTime(this NpgsqlDataReader reader, int column) => reader.GetFieldValue<DateTimeOffset>(column);

    // A backslash that is itself escaped does not begin an escape: \\u0000 is text, not NUL.
    private static string ReplaceNul(string text)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length)
            {
                if (text.AsSpan(i).StartsWith("\\u0000"))
                {
                    result.Append("\\ufffd");
                    i += 5;
                    continue;
                }

                result.Append(text[i]).Append(text[++i]);
                continue;
            }

            result.Append(text[i]);
        }

        return result.ToString();
    }
}
