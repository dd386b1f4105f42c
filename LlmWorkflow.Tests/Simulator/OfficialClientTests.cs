using System.ClientModel;
using System.ClientModel.Primitives;
using Anthropic;
using Anthropic.Models.Messages;
using OpenAI;
using OpenAI.Chat;

namespace LlmWorkflow.Tests.Simulator;

/// <summary>The providers' own libraries can talk to the simulator: this keeps the stand-in honest.</summary>
public sealed class OfficialClientTests : SimulatorWire
{
    [Fact]
    public async Task OpenAi_Complete_ReadsTextAndUsage()
    {
        await BehaveAsync("""{"latency_ms":0,"reply":"Hello there","output_tokens":20,"reasoning_tokens":5}""");

        var completion = (await OpenAiClient("gpt-5-mini").CompleteChatAsync([new UserChatMessage("Hi")])).Value;

        Assert.Equal(("Hello there", "gpt-5-mini", ChatFinishReason.Stop), (completion.Content[0].Text, completion.Model, completion.FinishReason));
        Assert.Equal((5, 20, 25), (completion.Usage.InputTokenCount, completion.Usage.OutputTokenCount, completion.Usage.TotalTokenCount));
        Assert.Equal((5, 0), (completion.Usage.OutputTokenDetails.ReasoningTokenCount, completion.Usage.InputTokenDetails.CachedTokenCount));
    }

    [Fact]
    public async Task OpenAi_Stream_ReadsTextAndUsage()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":200,"reply":"one two three four","output_tokens":20}""");
        var text = "";
        ChatTokenUsage? usage = null;
        ChatFinishReason? finish = null;

        await foreach (var update in OpenAiClient("gpt-4o").CompleteChatStreamingAsync([new UserChatMessage("Hi")]))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            usage ??= update.Usage;
            finish ??= update.FinishReason;
        }

        Assert.Equal(("one two three four", ChatFinishReason.Stop), (text, finish));
        Assert.Equal((5, 20), (usage?.InputTokenCount, usage?.OutputTokenCount));
    }

    [Fact]
    public async Task OpenAi_Error_IsReadAsSuch()
    {
        await BehaveAsync("""{"error_code":"insufficient_quota"}""");

        var exception = await Assert.ThrowsAsync<ClientResultException>(() => OpenAiClient("gpt-4o").CompleteChatAsync([new UserChatMessage("Hi")]));

        Assert.Equal(429, exception.Status);
        Assert.Contains("insufficient_quota", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Anthropic_Create_ReadsTextAndUsageAndCache()
    {
        await BehaveAsync("""{"latency_ms":0,"reply":"Hello there","output_tokens":20}""");
        var parameters = AnthropicParameters() with
        {
            System = new List<TextBlockParam> { new() { Text = new string('x', 6000), CacheControl = new CacheControlEphemeral() } },
        };

        using var client = AnthropicClient();
        var first = await client.Messages.Create(parameters);
        var second = await client.Messages.Create(parameters);

        first.Validate();
        Assert.True(first.Content[0].TryPickText(out var text));
        Assert.Equal("Hello there", text!.Text);
        Assert.Equal((5L, 20L, 1504L), (first.Usage.InputTokens, first.Usage.OutputTokens, first.Usage.CacheCreation!.Ephemeral5mInputTokens));
        Assert.Equal((1504L, 0L), (second.Usage.CacheReadInputTokens, second.Usage.CacheCreationInputTokens));
    }

    [Fact]
    public async Task Anthropic_Stream_ReadsEveryEventAndUsage()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":200,"reply":"one two three four","output_tokens":20,"reasoning_tokens":4}""");
        using var client = AnthropicClient();
        var (text, input, output, stopped) = ("", 0L, 0L, false);

        await foreach (var update in client.Messages.CreateStreaming(AnthropicParameters()))
        {
            update.Validate();
            if (update.TryPickStart(out var start))
            {
                input = start!.Message.Usage.InputTokens;
            }
            else if (update.TryPickContentBlockDelta(out var delta) && delta!.Delta.TryPickText(out var piece))
            {
                text += piece!.Text;
            }
            else if (update.TryPickDelta(out var end))
            {
                output = end!.Usage.OutputTokens;
            }

            stopped |= update.TryPickStop(out _);
        }

        Assert.Equal(("one two three four", 5L, 20L, true), (text, input, output, stopped));
    }

    [Fact]
    public async Task Anthropic_Overloaded_IsReadAsSuch()
    {
        await BehaveAsync("""{"error_status":529}""");
        using var client = AnthropicClient();

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => client.Messages.Create(AnthropicParameters()));

        Assert.Contains("overloaded_error", exception.ToString(), StringComparison.Ordinal);
    }

    private static MessageCreateParams AnthropicParameters() => new()
    {
        Model = "claude-sonnet-5-5", MaxTokens = 1000, Messages = [new UserMessageParam("Hi")],
    };

    private ChatClient OpenAiClient(string model) => new(model, new ApiKeyCredential("sk-test"), new OpenAIClientOptions
    {
        Endpoint = new Uri(Http.BaseAddress!, "/openai/v1"), RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
    });

    private AnthropicClient AnthropicClient() => new() { ApiKey = "sk-ant-test", BaseUrl = new Uri(Http.BaseAddress!, "/anthropic").AbsoluteUri, MaxRetries = 0 };
}
