using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers.Anthropic;

/// <summary>Messages as the Messages API wants them: system prompts beside them, roles in turns, no empty texts.</summary>
internal sealed class AnthropicPrompt
{
    private readonly List<string> _system = [];
    private readonly List<(string Role, List<string> Texts)> _turns = [];

    private AnthropicPrompt()
    {
    }

    /// <summary>The prompt.</summary>
    /// <exception cref="WorkflowException">There is nothing but system prompts, or the assistant has the last word with a model that does not go on with it.</exception>
    public static AnthropicPrompt From(IReadOnlyList<ChatMessage> messages, string model, bool takesPrefill)
    {
        var prompt = new AnthropicPrompt();
        foreach (var message in messages)
        {
            // Empty texts are refused.
            if (message.Text is not { } text || string.IsNullOrWhiteSpace(text))
            {
                continue;
            }

            if (message.Role == ChatRole.System)
            {
                prompt._system.Add(text);
            }
            else if (prompt._turns is [.., var last] && last.Role == message.Role.Value)
            {
                last.Texts.Add(text);
            }
            else
            {
                prompt._turns.Add((message.Role.Value, [text]));
            }
        }

        if (prompt._turns is [])
        {
            throw Wrong($"{model} cannot be asked without a message of the user.", "Set 'prompt' or 'prompt_template' in the step; a system prompt alone is not enough.");
        }

        if (prompt._turns is [.., ("assistant", var words)])
        {
            if (!takesPrefill)
            {
                throw Wrong(
                    $"{model} does not go on with a last message of the assistant: 'messages' must end with one of the user.",
                    "End 'messages' with a user message; for JSON use 'response_format'.");
            }

            // Blanks at the end of a text to go on with are refused.
            words[^1] = words[^1].TrimEnd();
        }

        return prompt;
    }

    /// <summary>Writes <c>system</c> and <c>messages</c>, with the marks for the prompt cache.</summary>
    /// <param name="writer">Into an object.</param>
    /// <param name="common">Says which marks.</param>
    /// <param name="instruction">Ends the system prompt, behind the mark: it belongs to the call, not to the prompt; null: none.</param>
    public void WriteTo(Utf8JsonWriter writer, CommonOptions common, string? instruction)
    {
        string[] system = instruction is null ? [.. _system] : [.. _system, instruction];
        if (system.Length > 0)
        {
            writer.WritePropertyName("system");
            Write(writer, system, common.Marks ? _system.Count - 1 : -1, common.CacheControl);
        }

        writer.WriteStartArray("messages");
        for (var i = 0; i < _turns.Count; i++)
        {
            var (role, texts) = _turns[i];
            writer.WriteStartObject();
            writer.WriteString("role", role);
            writer.WritePropertyName("content");
            Write(writer, texts, common is { Marks: true, CacheMessages: true } && i == _turns.Count - 2 ? texts.Count - 1 : -1, common.CacheControl);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, IReadOnlyList<string> texts, int marked, JsonElement cacheControl)
    {
        if (texts.Count == 1 && marked < 0)
        {
            writer.WriteStringValue(texts[0]);
            return;
        }

        writer.WriteStartArray();
        for (var i = 0; i < texts.Count; i++)
        {
            writer.WriteTextPart(texts[i], i == marked ? cacheControl : default);
        }

        writer.WriteEndArray();
    }

    private static WorkflowException Wrong(string message, string suggestion) => new(new WorkflowError
    {
        Type = ErrorTypes.UpstreamBadRequest,
        Category = ErrorCategory.Config,
        Message = message,
        Details = new ErrorDetails { Service = AnthropicChatClient.Provider, Suggestions = [suggestion] },
    });
}
