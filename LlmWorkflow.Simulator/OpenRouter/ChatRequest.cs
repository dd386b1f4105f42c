using System.Text.Json;
using LlmWorkflow.Simulator.Completions;

namespace LlmWorkflow.Simulator.OpenRouter;

/// <summary>What the simulator reads from the body of <c>POST /chat/completions</c>; fields it does not know are ignored, as upstream.</summary>
internal sealed record ChatRequest(string Model, bool Stream, ChatPrompt Prompt)
{
    /// <summary>The request, or the message of a 400.</summary>
    public static (ChatRequest? Request, string? Error) Read(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Read(document.RootElement);
        }
        catch (JsonException)
        {
            return (null, "Invalid JSON body");
        }
    }

    private static (ChatRequest? Request, string? Error) Read(JsonElement root)
    {
        if (root.ValueKind is not JsonValueKind.Object)
        {
            return (null, "Invalid JSON body");
        }

        if (RequestedModel(root) is not { } model)
        {
            return (null, "No models provided");
        }

        if (!root.TryGetProperty("messages", out var messages) || messages.ValueKind is not JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            return (null, "Input required: specify \"prompt\" or \"messages\"");
        }

        if (Fault(root, messages) is { } fault)
        {
            return (null, fault);
        }

        var texts = messages.EnumerateArray().Select(message => Text(message.GetProperty("content"))).ToList();
        var prompt = new ChatPrompt(texts, Limit(root), Format(root));
        return (new ChatRequest(model, root.TryGetProperty("stream", out var stream) && stream.ValueKind is JsonValueKind.True, prompt), null);
    }

    private static string? RequestedModel(JsonElement root)
    {
        if (root.TryGetProperty("model", out var model) && model.ValueKind is JsonValueKind.String && model.GetString() is { Length: > 0 } name)
        {
            return name;
        }

        return root.TryGetProperty("models", out var models) && models.ValueKind is JsonValueKind.Array && models.GetArrayLength() > 0
            && models[0].ValueKind is JsonValueKind.String ? models[0].GetString() : null;
    }

    private static string? Fault(JsonElement root, JsonElement messages)
    {
        foreach (var message in messages.EnumerateArray())
        {
            if (message.ValueKind is not JsonValueKind.Object
                || !message.TryGetProperty("role", out var role) || role.ValueKind is not JsonValueKind.String
                || role.GetString() is not ("system" or "developer" or "user" or "assistant" or "tool"))
            {
                return "Invalid input: messages[].role must be one of system, developer, user, assistant, tool";
            }

            if (!message.TryGetProperty("content", out var content)
                || content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array or JsonValueKind.Null))
            {
                return "Invalid input: messages[].content must be a string or an array of parts";
            }
        }

        return NumberFault(root, "temperature", 0, 2)
            ?? NumberFault(root, "top_p", 0, 1)
            ?? NumberFault(root, "max_tokens", 1, int.MaxValue)
            ?? NumberFault(root, "max_completion_tokens", 1, int.MaxValue)
            ?? FormatFault(root);
    }

    private static string? FormatFault(JsonElement root)
    {
        if (!root.TryGetProperty("response_format", out var format) || format.ValueKind is JsonValueKind.Null)
        {
            return null;
        }

        if (format.ValueKind is not JsonValueKind.Object || !format.TryGetProperty("type", out var type) || type.ValueKind is not JsonValueKind.String
            || type.GetString() is not ("text" or "json_object" or "json_schema"))
        {
            return "Invalid input: response_format.type must be one of text, json_object, json_schema";
        }

        return type.GetString() != "json_schema"
            || (format.TryGetProperty("json_schema", out var named) && named.ValueKind is JsonValueKind.Object
                && named.TryGetProperty("name", out var name) && name.ValueKind is JsonValueKind.String
                && named.TryGetProperty("schema", out var schema) && schema.ValueKind is JsonValueKind.Object)
            ? null
            : "Invalid input: response_format.json_schema must have a name and a schema";
    }

    private static string? NumberFault(JsonElement root, string name, double least, double most)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind is JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind is JsonValueKind.Number && value.TryGetDouble(out var number) && number >= least && number <= most
            ? null
            : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Invalid input: {name} must be a number from {least} to {most}");
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

    private static string Text(JsonElement content) => content.ValueKind switch
    {
        JsonValueKind.String => content.GetString()!,
        JsonValueKind.Array => string.Concat(content.EnumerateArray()
            .Where(part => part.ValueKind is JsonValueKind.Object && part.TryGetProperty("text", out var text) && text.ValueKind is JsonValueKind.String)
            .Select(part => part.GetProperty("text").GetString())),
        _ => "",
    };
}
