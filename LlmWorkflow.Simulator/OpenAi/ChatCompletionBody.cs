using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Simulator.Completions;

namespace LlmWorkflow.Simulator.OpenAi;

/// <summary>A fault of a request.</summary>
/// <param name="Message">As OpenRouter words it.</param>
/// <param name="Param">The field; null: the body.</param>
internal sealed record BodyFault(string Message, string? Param = null);

/// <summary>
/// What the simulator reads from the body of <c>POST /chat/completions</c>, which OpenRouter has from OpenAI; fields it does not know are
/// ignored, as upstream.
/// </summary>
internal static class ChatCompletionBody
{
    /// <summary>The request, or what is wrong with it.</summary>
    public static (ChatRequest? Request, BodyFault? Fault) Read(JsonElement root)
    {
        if (root.ValueKind is not JsonValueKind.Object)
        {
            return (null, new("Invalid JSON body"));
        }

        if (RequestedModel(root) is not { } model)
        {
            return (null, new("No models provided", "model"));
        }

        if (!root.TryGetProperty("messages", out var messages) || messages.ValueKind is not JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            return (null, new("Input required: specify \"prompt\" or \"messages\"", "messages"));
        }

        if (Fault(root, messages) is { } fault)
        {
            return (null, fault);
        }

        var blocks = messages.EnumerateArray().SelectMany((message, index) => Blocks(message.GetProperty("content"), index)).ToList();
        var texts = Enumerable.Range(0, messages.GetArrayLength())
            .Select(index => string.Concat(blocks.Where(block => block.Message == index).Select(block => block.Text))).ToList();
        var prompt = new ChatPrompt(texts, Limit(root), Format(root)) { Blocks = blocks };
        return (new ChatRequest(model, Is(root, "stream"), prompt)
        {
            IncludeUsage = root.TryGetProperty("stream_options", out var options) && options.ValueKind is JsonValueKind.Object && Is(options, "include_usage"),
            ServiceTier = Word(root, "service_tier"),
        }, null);
    }

    /// <summary>A field that is a string, or null.</summary>
    public static string? Word(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;

    private static bool Is(JsonElement root, string name) => root.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.True;

    private static string? RequestedModel(JsonElement root)
    {
        if (root.TryGetProperty("model", out var model) && model.ValueKind is JsonValueKind.String && model.GetString() is { Length: > 0 } name)
        {
            return name;
        }

        return root.TryGetProperty("models", out var models) && models.ValueKind is JsonValueKind.Array && models.GetArrayLength() > 0
            && models[0].ValueKind is JsonValueKind.String ? models[0].GetString() : null;
    }

    private static BodyFault? Fault(JsonElement root, JsonElement messages)
    {
        foreach (var (index, message) in messages.EnumerateArray().Index())
        {
            if (message.ValueKind is not JsonValueKind.Object
                || !message.TryGetProperty("role", out var role) || role.ValueKind is not JsonValueKind.String
                || role.GetString() is not ("system" or "developer" or "user" or "assistant" or "tool"))
            {
                return new("Invalid input: messages[].role must be one of system, developer, user, assistant, tool", $"messages[{index}].role");
            }

            if (!message.TryGetProperty("content", out var content)
                || content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array or JsonValueKind.Null))
            {
                return new("Invalid input: messages[].content must be a string or an array of parts", $"messages[{index}].content");
            }
        }

        return NumberFault(root, "temperature", 0, 2)
            ?? NumberFault(root, "top_p", 0, 1)
            ?? NumberFault(root, "max_tokens", 1, int.MaxValue)
            ?? NumberFault(root, "max_completion_tokens", 1, int.MaxValue)
            ?? FormatFault(root);
    }

    private static BodyFault? FormatFault(JsonElement root)
    {
        if (!root.TryGetProperty("response_format", out var format) || format.ValueKind is JsonValueKind.Null)
        {
            return null;
        }

        if (format.ValueKind is not JsonValueKind.Object || !format.TryGetProperty("type", out var type) || type.ValueKind is not JsonValueKind.String
            || type.GetString() is not ("text" or "json_object" or "json_schema"))
        {
            return new("Invalid input: response_format.type must be one of text, json_object, json_schema", "response_format.type");
        }

        return type.GetString() != "json_schema"
            || (format.TryGetProperty("json_schema", out var named) && named.ValueKind is JsonValueKind.Object
                && named.TryGetProperty("name", out var name) && name.ValueKind is JsonValueKind.String
                && named.TryGetProperty("schema", out var schema) && schema.ValueKind is JsonValueKind.Object)
            ? null
            : new("Invalid input: response_format.json_schema must have a name and a schema", "response_format.json_schema");
    }

    private static BodyFault? NumberFault(JsonElement root, string name, double least, double most)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind is JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind is JsonValueKind.Number && value.TryGetDouble(out var number) && number >= least && number <= most
            ? null
            : new(string.Create(CultureInfo.InvariantCulture, $"Invalid input: {name} must be a number from {least} to {most}"), name);
    }

    private static int? Limit(JsonElement root)
    {
        foreach (var name in (ReadOnlySpan<string>)["max_completion_tokens", "max_tokens"])
        {
            if (root.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Number)
            {
                return (int)value.GetDouble();
            }
        }

        return null;
    }

    private static ReplyFormat Format(JsonElement root)
    {
        if (!root.TryGetProperty("response_format", out var format) || format.ValueKind is not JsonValueKind.Object
            || !format.TryGetProperty("type", out var type) || type.ValueKind is not JsonValueKind.String)
        {
            return ReplyFormat.Text;
        }

        return type.GetString() switch
        {
            "json_object" => new ReplyFormat(Json: true, Schema: null),
            "json_schema" when format.TryGetProperty("json_schema", out var named) && named.ValueKind is JsonValueKind.Object
                && named.TryGetProperty("schema", out var schema) => new ReplyFormat(Json: true, schema.Clone()),
            _ => ReplyFormat.Text,
        };
    }

    private static IEnumerable<PromptBlock> Blocks(JsonElement content, int message) => content.ValueKind switch
    {
        JsonValueKind.String => [new PromptBlock(message, content.GetString()!, null)],
        JsonValueKind.Array => content.EnumerateArray()
            .Where(part => part.ValueKind is JsonValueKind.Object && Word(part, "text") is not null)
            .Select(part => new PromptBlock(message, Word(part, "text")!, CacheMark.Read(part).Lifetime)),
        _ => [],
    };
}
