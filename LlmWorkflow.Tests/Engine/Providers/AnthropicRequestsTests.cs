using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Engine.Providers.Anthropic;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Tests.Engine.Providers;

public sealed class AnthropicRequestsTests
{
    private const string Mark = """{"type":"ephemeral","ttl":"1h"}""";

    [Theory]
    // Plain; no system prompt.
    [InlineData("u:Hi", "", """{"messages":[{"role":"user","content":"Hi"}]}""")]
    // System prompts stand beside the messages, wherever they came.
    [InlineData("s:S1|u:Hi|s:S2", "", """{"system":[{"type":"text","text":"S1"},{"type":"text","text":"S2"}],"messages":[{"role":"user","content":"Hi"}]}""")]
    // Roles in turns; empty texts are left out.
    [InlineData("u:A|u:B|a:C|u: |a:D|u:E", "", """{"messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]},{"role":"assistant","content":[{"type":"text","text":"C"},{"type":"text","text":"D"}]},{"role":"user","content":"E"}]}""")]
    // Marks.
    [InlineData("s:S|u:A|a:B|u:C", "\"cache_control\":M", """{"system":[{"type":"text","text":"S","cache_control":M}],"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"user","content":"C"}]}""")]
    [InlineData("s:S|u:A|a:B|u:C", "\"cache_control\":M,\"cache_messages\":true", """{"system":[{"type":"text","text":"S","cache_control":M}],"messages":[{"role":"user","content":"A"},{"role":"assistant","content":[{"type":"text","text":"B","cache_control":M}]},{"role":"user","content":"C"}]}""")]
    [InlineData("u:A", "\"cache_control\":M,\"cache_messages\":true", """{"messages":[{"role":"user","content":"A"}]}""")]
    // Effort, and what is passed on.
    [InlineData("u:A", "\"reasoning_effort\":\"max\",\"thinking\":{\"type\":\"adaptive\"}", """{"messages":[{"role":"user","content":"A"}],"output_config":{"effort":"max"},"thinking":{"type":"adaptive"}}""")]
    public void From_MessagesAndOptions_MakeThisBody(string messages, string options, string body)
    {
        var made = Make(messages, options: options);

        Assert.Equal(
            $$"""{"model":"claude-opus-4-5","max_tokens":200,"stream":false,{{body.Replace(":M", ":" + Mark, StringComparison.Ordinal)[1..]}}""", made);
    }

    [Theory]
    [InlineData("claude-opus-4-5", true, true)]
    [InlineData("claude-opus-4-5", false, false)]
    [InlineData("claude-3-haiku-20240307", true, false)]
    [InlineData("claude-fable-5-1", true, true)]
    public void From_ResponseFormat_IsOutputConfigOrInstructionButNeverATool(string model, bool hasSchema, bool sent)
    {
        var schema = JsonElement.Parse("""{"type":"object","properties":{"a":{"type":"integer","minimum":1}},"required":["a"]}""");
        var made = JsonElement.Parse(Make("s:S|u:A", model, configure: options => options.ResponseFormat = hasSchema ? ChatResponseFormat.ForJsonSchema(schema) : ChatResponseFormat.Json));

        Assert.False(made.TryGetProperty("tools", out _));
        Assert.Equal(sent, made.TryGetProperty("output_config", out var config));
        if (sent)
        {
            Assert.Equal(
                """{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}}}""",
                config.GetRawText());
            Assert.Equal("S", made.GetProperty("system").GetString());
        }
        else
        {
            Assert.Equal("S", made.GetProperty("system")[0].GetProperty("text").GetString());
            Assert.Contains("JSON", made.GetProperty("system")[1].GetProperty("text").GetString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("claude-opus-4-6")]
    [InlineData("claude-sonnet-5")]
    [InlineData("claude-fable-5-1")]
    public void From_LastMessageOfTheAssistant_IsAnErrorThatSaysSo(string model)
    {
        var error = Assert.Throws<WorkflowException>(() => Make("u:A|a:B", model)).Error;

        Assert.Equal((ErrorTypes.UpstreamBadRequest, ErrorCategory.Config, false), (error.Type, error.Category, error.Retryable));
        Assert.Contains(model, error.Message, StringComparison.Ordinal);
        Assert.Contains("last message of the assistant", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void From_LastMessageOfTheAssistantOfAnOlderModel_IsSentWithoutBlanksAtItsEnd() =>
        Assert.EndsWith("""{"role":"assistant","content":"B"}]}""", Make("u:A|a:B \n"), StringComparison.Ordinal);

    [Fact]
    public void From_NoUserMessage_IsAnErrorThatSaysSo() =>
        Assert.Contains("message of the user", Assert.Throws<WorkflowException>(() => Make("s:S")).Error.Message, StringComparison.Ordinal);

    [Theory]
    // name, temperature/top_p/top_k, both temperature and top_p, prefill, output_config.format
    [InlineData("claude-3-haiku-20240307", true, true, true, false)]
    [InlineData("claude-3-5-sonnet-20241022", true, true, true, false)]
    [InlineData("claude-3-7-sonnet-latest", true, true, true, false)]
    [InlineData("claude-opus-4-20250514", true, true, true, false)]
    [InlineData("claude-sonnet-4-0", true, true, true, false)]
    [InlineData("claude-opus-4-1-20250805", true, false, true, true)]
    [InlineData("claude-sonnet-4-5", true, false, true, true)]
    [InlineData("claude-haiku-4-5-20251001", true, false, true, true)]
    [InlineData("claude-opus-4-6", true, false, false, true)]
    [InlineData("claude-sonnet-4-6", true, false, false, true)]
    [InlineData("claude-opus-4-7", false, false, false, true)]
    [InlineData("claude-opus-4-10", false, false, false, true)]
    [InlineData("anthropic/claude-opus-4.7", false, false, false, true)]
    [InlineData("us.anthropic.claude-opus-5-20261001-v1:0", false, false, false, true)]
    [InlineData("claude-sonnet-5", false, false, false, true)]
    [InlineData("claude-sonnet-5-5-20261101", false, false, false, true)]
    [InlineData("claude-haiku-5-5", false, false, false, true)]
    [InlineData("claude-fable-5-1", false, false, false, true)]
    [InlineData("claude-mythos-1", false, false, false, true)]
    [InlineData("our-gateway-model", true, true, true, true)]
    public void Of_ModelName_IsWhatItTakes(string name, bool sampling, bool both, bool prefill, bool format) =>
        Assert.Equal(new AnthropicModel(sampling, both, prefill, format), AnthropicModels.Of(name));

    [Fact]
    public void From_TemperatureBesideTopP_LeavesOutTopPWhereOnlyOneIsTaken()
    {
        var options = new ChatOptions { ModelId = "claude-sonnet-4-5", Temperature = 0.2f, TopP = 0.9f, Seed = 1 };

        var made = AnthropicRequests.From([new ChatMessage(ChatRole.User, "x")], options, stream: false);

        Assert.Equal(["seed", "top_p"], made.LeftOut);
        Assert.Contains("\"temperature\":0.2", System.Text.Encoding.UTF8.GetString(made.Json), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","maxLength":3,"pattern":"x"}},"additionalProperties":true}""", """{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}""")]
    [InlineData("""{"type":"array","items":{"$ref":"#/$defs/x"},"minItems":1,"maxItems":9,"$defs":{"x":{"anyOf":[{"type":"null"},{"type":"string","format":"date"}]}}}""", """{"type":"array","items":{"$ref":"#/$defs/x"},"minItems":1,"$defs":{"x":{"anyOf":[{"type":"null"},{"type":"string","format":"date"}]}}}""")]
    [InlineData("""{"type":"array","items":{"type":"string","format":"iban"},"minItems":2}""", """{"type":"array","items":{"type":"string"}}""")]
    // Any members, either-or, and "true": these cannot be said.
    [InlineData("""{"type":"object","additionalProperties":{"type":"string"}}""", null)]
    [InlineData("""{"type":["object","null"]}""", null)]
    [InlineData("""{"oneOf":[{"type":"string"}]}""", null)]
    [InlineData("""{"type":"object","properties":{"a":true}}""", null)]
    public void Narrow_Schema_IsWhatTheApiTakes(string schema, string? expected) =>
        Assert.Equal(expected, AnthropicSchema.Narrow(JsonElement.Parse(schema))?.GetRawText());

    private static string Make(string messages, string model = "claude-opus-4-5", string options = "", Action<ChatOptions>? configure = null)
    {
        var chatOptions = new ChatOptions { ModelId = model, MaxOutputTokens = 200 };
        configure?.Invoke(chatOptions);
        ProviderOptions.AttachTo(chatOptions, JsonElement.Parse($"{{{options.Replace(":M", ":" + Mark, StringComparison.Ordinal)}}}"));
        var prompt = messages.Split('|').Select(message => new ChatMessage(
            message[0] switch { 's' => ChatRole.System, 'a' => ChatRole.Assistant, _ => ChatRole.User }, message[2..]));
        return System.Text.Encoding.UTF8.GetString(AnthropicRequests.From([.. prompt], chatOptions, stream: false).Json);
    }
}
