using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Transforms;

/// <summary><c>merge</c>: folds values from the left, the later wins. Objects become one; other values replace each other.</summary>
internal static class MergeTransform
{
    public static JsonElement Apply(TransformCall call)
    {
        Merging merging = new(call, call.Choice("mode") == "deep", call.Choice("arrays") == "concat");
        List<JsonElement> inputs = [.. Inputs(call).Where(value => value.ValueKind != JsonValueKind.Null)];
        JsonValueKind kind = inputs.Count > 0 && inputs[0].ValueKind == JsonValueKind.Array ? JsonValueKind.Array : JsonValueKind.Object;
        int other = inputs.FindIndex(value => value.ValueKind != kind);
        if (other >= 0)
        {
            throw call.Fault("'merge' needs objects, or only arrays", inputs[other]);
        }

        return inputs.Count == 0 ? JsonValues.EmptyObject : call.Write(writer => merging.Write(inputs, isTop: true, writer));
    }

    private static IEnumerable<JsonElement> Inputs(TransformCall call)
    {
        JsonElement inputs = call.ValueOrDefault("inputs");
        if (inputs.ValueKind == JsonValueKind.Undefined)
        {
            return call.Items();
        }

        call.CheckSize(inputs, "'inputs'");
        return inputs.ValueKind == JsonValueKind.Array ? inputs.EnumerateArray() : throw call.Fault("'inputs' must be a list of values", inputs);
    }

    private sealed class Merging(TransformCall call, bool isDeep, bool concatenates)
    {
        /// <summary>Writes all values of one place as one; the first came first.</summary>
        public void Write(List<JsonElement> values, bool isTop, Utf8JsonWriter writer)
        {
            call.CancellationToken.ThrowIfCancellationRequested();
            JsonElement last = values[^1];
            bool merges = last.ValueKind switch
            {
                JsonValueKind.Object => isDeep || isTop,
                JsonValueKind.Array => concatenates,
                _ => false,
            };
            // A value of another kind replaces all before it.
            int from = merges ? values.FindLastIndex(value => value.ValueKind != last.ValueKind) + 1 : values.Count - 1;
            if (from == values.Count - 1)
            {
                last.WriteTo(writer);
            }
            else if (last.ValueKind == JsonValueKind.Object)
            {
                WriteObjects(values[from..], writer);
            }
            else
            {
                WriteArrays(values[from..], writer);
            }
        }

        private void WriteObjects(List<JsonElement> objects, Utf8JsonWriter writer)
        {
            OrderedDictionary<string, List<JsonElement>> properties = new(StringComparer.Ordinal);
            foreach (JsonProperty property in objects.SelectMany(value => value.EnumerateObject()))
            {
                if (!properties.TryGetValue(property.Name, out List<JsonElement>? values))
                {
                    properties[property.Name] = values = [];
                }

                values.Add(property.Value);
            }

            writer.WriteStartObject();
            foreach ((string name, List<JsonElement> values) in properties)
            {
                writer.WritePropertyName(name);
                Write(values, isTop: false, writer);
            }

            writer.WriteEndObject();
        }

        private void WriteArrays(List<JsonElement> arrays, Utf8JsonWriter writer)
        {
            call.CheckCount(arrays.Sum(array => array.GetArrayLength()));
            writer.WriteStartArray();
            foreach (JsonElement item in arrays.SelectMany(array => array.EnumerateArray()))
            {
                item.WriteTo(writer);
            }

            writer.WriteEndArray();
        }
    }
}
