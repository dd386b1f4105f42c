using System.Text.Json.Nodes;
using Markdig.Syntax;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>
/// Turns a list into an array of texts and records. A list whose every item is one label (<c>- **Phone:** 555</c>) is itself a record, or several when labels repeat.
/// </summary>
internal sealed class MarkdownList(Func<string, string> toKey)
{
    /// <summary>A <see cref="JsonArray"/>, or a <see cref="JsonObject"/> when the list is one record.</summary>
    public JsonNode Value(ListBlock list)
    {
        List<(JsonNode Value, bool IsLabel)> items = [.. list.OfType<ListItemBlock>().Select(Item)];
        if (items.Count == 0 || !items.TrueForAll(item => item.IsLabel))
        {
            return new JsonArray([.. items.Select(item => item.Value)]);
        }

        List<JsonObject> records = [[]];
        foreach (JsonObject label in items.Select(item => (JsonObject)item.Value))
        {
            if (label.Any(property => records[^1].ContainsKey(property.Key)))
            {
                records.Add([]);
            }

            Merge(records[^1], label);
        }

        return records.Count == 1 ? records[0] : new JsonArray([.. records]);
    }

    /// <summary>Moves all properties over; a name that is taken gets a number.</summary>
    public static void Merge(JsonObject target, JsonObject source)
    {
        foreach ((string key, JsonNode? value) in source.ToList())
        {
            source.Remove(key);
            MarkdownBlocks.Add(target, key, value);
        }
    }

    private (JsonNode Value, bool IsLabel) Item(ListItemBlock item)
    {
        List<string> texts = [];
        List<(string Label, string Value)> labels = [];
        List<JsonNode> nested = [];
        foreach (Block block in item)
        {
            switch (block)
            {
                case ListBlock list:
                    nested.Add(Value(list));
                    break;
                case LeafBlock { Inline: not null } leaf:
                    MarkdownEntry entry = MarkdownInlines.Entry(leaf.Inline);
                    texts.Add(entry.Lead);
                    labels.AddRange(entry.Labels);
                    break;
                case CodeBlock code:
                    texts.Add(code.Lines.ToString().Trim());
                    break;
                default:
                    break;
            }
        }

        string text = string.Join('\n', texts.Where(part => part.Length > 0));
        if (labels.Count == 0 && nested.Count == 0)
        {
            return (JsonValue.Create(text), false);
        }

        // "- **City Hospital:**" above a list of labels is a title, not a label.
        if (text.Length == 0 && labels is [{ Value: "" }] && nested is [JsonObject])
        {
            text = labels[0].Label;
            labels.Clear();
        }

        bool isLabel = text.Length == 0 && labels.Count == 1 && nested.Count <= (labels[0].Value.Length == 0 ? 1 : 0);
        return (Record(text, labels, nested), isLabel);
    }

    private JsonObject Record(string text, List<(string Label, string Value)> labels, List<JsonNode> nested)
    {
        JsonObject record = [];
        bool isRecord = labels.Count > 0 || nested.Exists(value => value is JsonObject);
        if (text.Length > 0)
        {
            record[isRecord ? "name" : "text"] = text;
        }

        string? lastKey = null;
        foreach ((string label, string value) in labels)
        {
            string key = toKey(label);
            // A record that names itself keeps the text before its labels beside the name.
            if (key == "name" && text.Length > 0 && record.Remove("name"))
            {
                record["text"] = text;
            }

            lastKey = record.ContainsKey(key) ? null : key;
            MarkdownBlocks.Add(record, key, value);
        }

        foreach (JsonNode value in nested)
        {
            if (lastKey is not null && record[lastKey] is JsonValue empty && empty.GetValue<string>().Length == 0)
            {
                record[lastKey] = value;
            }
            else if (value is JsonObject fields)
            {
                Merge(record, fields);
            }
            else
            {
                MarkdownBlocks.Add(record, "items", value);
            }
        }

        return record;
    }
}
