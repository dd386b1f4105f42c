using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers.Anthropic;

/// <summary>A request to the Messages API.</summary>
/// <param name="Json">Its body.</param>
/// <param name="Betas">For the header <c>anthropic-beta</c>; empty: none.</param>
/// <param name="LeftOut">Parameters of the step that the model does not take, and that were not sent.</param>
internal sealed record AnthropicRequest(byte[] Json, IReadOnlyList<string> Betas, IReadOnlyList<string> LeftOut);

/// <summary>A call as the body of <c>POST /v1/messages</c>. Pure.</summary>
internal static class AnthropicRequests
{
    // The API wants a limit always. The engine always gives one; this is for other callers of the client.
    private const int DefaultMaxTokens = 4096;

    /// <summary>The request.</summary>
    /// <exception cref="WorkflowException">An option is refused or wrong, or the messages end in a way that the model refuses.</exception>
    public static AnthropicRequest From(IReadOnlyList<ChatMessage> messages, ChatOptions? options, bool stream)
    {
        var name = options?.ModelId ?? "";
        var model = AnthropicModels.Of(name);
        var (common, given) = ProviderOptions.Of(options, AnthropicChatClient.Provider);
        var further = new Dictionary<string, JsonElement>(given);
        var prompt = AnthropicPrompt.From(messages, name, model.Prefill);
        var schema = AnthropicSchema.Of(options?.ResponseFormat, model.OutputFormat);
        var betas = Betas(further);
        List<string> leftOut = options?.Seed is null ? [] : ["seed"];
        var json = ProviderJson.Object(writer =>
        {
            writer.WriteString("model", name);
            writer.WriteNumber("max_tokens", options?.MaxOutputTokens ?? DefaultMaxTokens);
            writer.WriteBoolean("stream", stream);
            prompt.WriteTo(writer, common, schema.Instruction);
            WriteSampling(writer, model, options, further, leftOut);
            writer.WriteOptional("stop_sequences", options?.StopSequences);
            WriteOutput(writer, schema.Format, common.ReasoningEffort);
            writer.WriteMembers(further);
        });
        return new AnthropicRequest(json, betas, leftOut);
    }

    private static void WriteSampling(
        Utf8JsonWriter writer, AnthropicModel model, ChatOptions? options, Dictionary<string, JsonElement> further, List<string> leftOut)
    {
        var (temperature, topP) = (options?.Temperature, options?.TopP);
        if (!model.Sampling)
        {
            (string Name, bool IsGiven)[] parameters = [("temperature", temperature is not null), ("top_p", topP is not null), ("top_k", further.Remove("top_k"))];
            leftOut.AddRange(parameters.Where(parameter => parameter.IsGiven).Select(parameter => parameter.Name));
            return;
        }

        if (temperature is not null && topP is not null && !model.TemperatureBesideTopP)
        {
            topP = null;
            leftOut.Add("top_p");
        }

        writer.WriteOptional("temperature", temperature);
        writer.WriteOptional("top_p", topP);
    }

    private static void WriteOutput(Utf8JsonWriter writer, JsonElement? schema, string? effort)
    {
        if (schema is null && effort is null)
        {
            return;
        }

        writer.WriteStartObject("output_config");
        if (schema is { } format)
        {
            writer.WriteStartObject("format");
            writer.WriteString("type", "json_schema");
            writer.WritePropertyName("schema");
            format.WriteTo(writer);
            writer.WriteEndObject();
        }

        if (effort is not null)
        {
            writer.WriteString("effort", effort);
        }

        writer.WriteEndObject();
    }

    // 'betas' as the SDKs call it: it goes into a header.
    private static List<string> Betas(Dictionary<string, JsonElement> further)
    {
        further.Remove("betas", out var betas);
        return betas.ValueKind switch
        {
            JsonValueKind.String => [betas.GetString()!],
            JsonValueKind.Array => [.. betas.EnumerateArray().Where(beta => beta.ValueKind is JsonValueKind.String).Select(beta => beta.GetString()!)],
            _ => [],
        };
    }
}
