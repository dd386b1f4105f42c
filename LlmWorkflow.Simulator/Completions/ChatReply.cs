using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Completions;

/// <summary>A reply that is planned but not played yet: text, tokens, price.</summary>
internal sealed class ChatReply(ChatProtocol protocol, UpstreamCall call, ChatRequest request, Completion completion, TokenUsage input, Behavior settings)
{
    public string Id => call.Id;

    public DateTimeOffset CreatedAt => call.At;

    public ChatRequest Request => request;

    public Completion Completion => completion;

    public Behavior Settings => settings;

    /// <summary>The model that answers.</summary>
    public string Model { get; } = settings.AnsweringModel ?? request.Model;

    /// <summary>The prompt's tokens by kind.</summary>
    public TokenUsage Input => input;

    public ModelPrice Price { get; } = protocol.PriceOf(settings.AnsweringModel ?? request.Model);

    /// <summary>Tokens of the whole reply by kind.</summary>
    public TokenUsage Usage => UsageOf(completion.OutputTokens);

    /// <summary>What the call costs when so many tokens have been produced.</summary>
    public Bill BillOf(int outputTokens)
    {
        var tokens = UsageOf(outputTokens);
        if (settings.Usage is { } told)
        {
            var said = protocol.ReadUsage(told);
            var whole = outputTokens >= completion.OutputTokens;
            tokens = whole ? said : said with { Output = Math.Min(outputTokens, said.Output), Reasoning = Math.Min(tokens.Reasoning, said.Reasoning) };
            if (whole && protocol.ReadUsd(told) is { } usd)
            {
                return new Bill(tokens, usd);
            }
        }

        return new Bill(tokens, ModelPrice.Trim(protocol.Charge(this, tokens)));
    }

    private TokenUsage UsageOf(int outputTokens) =>
        input with { Output = outputTokens, Reasoning = Math.Min(outputTokens, completion.ReasoningTokens) };
}
