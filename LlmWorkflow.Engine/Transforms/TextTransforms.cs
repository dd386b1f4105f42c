using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Prompts;

namespace LlmWorkflow.Engine.Transforms;

/// <summary><c>join</c> and <c>template</c>.</summary>
internal static class TextTransforms
{
    public static JsonElement Join(TransformCall call)
    {
        string separator = call.Text("separator");
        ItemExpression? expression = ItemExpression.Read(call, "expression");
        StringBuilder text = new();
        bool isFirst = true;
        foreach ((int index, JsonElement item) in call.Items().Index())
        {
            JsonElement value = expression is null ? item : expression.Evaluate(item, index);
            if (value.IsMissingOrNull())
            {
                continue;
            }

            if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
            {
                throw call.Fault($"item {index} gives {value.KindName()}: 'expression' must say which text of it is meant", value);
            }

            call.Append(text, isFirst ? "" : separator);
            call.Append(text, JsonValues.ToText(value));
            isFirst = false;
        }

        return call.Write(writer => writer.WriteStringValue(text.ToString()));
    }

    public static JsonElement Template(TransformCall call)
    {
        JsonElement variables = call.Object("variables", "an object of names and values") ?? call.Input;
        Dictionary<string, JsonElement> values = new(StringComparer.Ordinal);
        if (variables.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty variable in variables.EnumerateObject())
            {
                values[variable.Name] = variable.Value;
            }
        }

        string text = PromptRenderer.RenderText(call.Text("template"), call.Prompts, values, call.Scope);
        return call.Write(writer => writer.WriteStringValue(text));
    }
}
