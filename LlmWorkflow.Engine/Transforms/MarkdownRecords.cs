using System.Text.Json.Nodes;
using Markdig.Syntax.Inlines;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>Gathers records and lists in reading order: a bold line names what follows it, a repeated label starts the next record.</summary>
internal sealed class MarkdownRecords(Func<string, string> toKey)
{
    private readonly List<JsonNode?> _values = [];
    private JsonObject? _open;
    private string? _title;
    private bool _spread;

    /// <summary>Takes a paragraph; false when it is prose.</summary>
    public bool AddLine(ContainerInline line)
    {
        if (MarkdownInlines.BoldLine(line) is { Length: > 0 } title)
        {
            Close();
            _title = title;
            return true;
        }

        MarkdownEntry entry = MarkdownInlines.Entry(line);
        bool isTitled = entry.Lead.Length > 0 && line.FirstChild is EmphasisInline { DelimiterCount: >= 2 };
        if (entry.Labels.Count == 0 || (entry.Lead.Length > 0 && !isTitled))
        {
            return false;
        }

        if (isTitled)
        {
            Close();
            _title = entry.Lead;
        }

        foreach ((string label, string value) in entry.Labels)
        {
            string key = toKey(label);
            if (_open is null || _open.ContainsKey(key))
            {
                CloseRecord();
                _open = Titled();
            }

            _open[key] = value;
        }

        return true;
    }

    /// <summary>Takes the value of a list.</summary>
    public bool AddValue(JsonNode? value)
    {
        if (value is JsonObject record)
        {
            if (_title is null && _open is not null && !record.Any(property => _open.ContainsKey(property.Key)))
            {
                MarkdownList.Merge(_open, record);
                return true;
            }

            CloseRecord();
            JsonObject titled = Titled();
            MarkdownList.Merge(titled, record);
            _values.Add(titled);
            return true;
        }

        CloseRecord();
        if (_title is not null)
        {
            JsonObject titled = Titled();
            titled["items"] = value;
            _values.Add(titled);
            return true;
        }

        return AddAll(value is JsonArray array ? Detach(array) : [value], true);
    }

    /// <summary>Takes values as they are.</summary>
    public bool AddAll(IEnumerable<JsonNode?> values, bool spread = false)
    {
        List<JsonNode?> all = [.. values];
        CloseRecord();
        _title = null;
        _spread |= spread || all.Count > 1;
        _values.AddRange(all);
        return true;
    }

    /// <summary>All of it: one record or JSON value as itself, several as an array; null when there was nothing.</summary>
    public JsonNode? Finish()
    {
        Close();
        if (_values.Count == 0)
        {
            return null;
        }

        return _values.Count == 1 && !_spread ? _values[0] : new JsonArray([.. _values]);
    }

    private static List<JsonNode?> Detach(JsonArray array)
    {
        List<JsonNode?> items = [.. array];
        array.Clear();
        return items;
    }

    private JsonObject Titled()
    {
        JsonObject record = [];
        if (_title is not null)
        {
            record["name"] = _title;
            _title = null;
        }

        return record;
    }

    private void Close()
    {
        CloseRecord();
        if (_title is not null && _values.Count > 0)
        {
            // A bold line with nothing under it is an item among the others.
            _values.Add(_values.Exists(value => value is JsonObject) ? Titled() : JsonValue.Create(_title));
        }

        _title = null;
    }

    private void CloseRecord()
    {
        if (_open is not null)
        {
            _values.Add(_open);
            _open = null;
        }
    }
}
