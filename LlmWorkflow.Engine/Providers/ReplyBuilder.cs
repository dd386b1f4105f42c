using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>Gathers the pieces of one reply, and knows at any moment what it has cost so far.</summary>
internal sealed class ReplyBuilder(LlmPrompt prompt)
{
    private readonly StringBuilder _text = new();
    private long _reasoningLength;
    private UsageDetails? _usage;
    private bool _usageIsPartial;
    private JsonElement? _rawUsage;
    private string? _upstreamProvider;

    public ChatCallProgress Progress { get; } = new();

    public string Model { get; private set; } = prompt.Model;

    public string? ResponseId { get; private set; }

    public string? FinishReason { get; private set; }

    public decimal? ReportedUsd { get; private set; }

    public IReadOnlyList<string> Terms { get; private set; } = [];

    /// <summary>Time from the request to the first piece; null: none has come.</summary>
    public TimeSpan? FirstPieceAfter { get; set; }

    public string Text => _text.ToString();

    private bool Began => _text.Length > 0 || _reasoningLength > 0;

    /// <summary>Takes a piece; gives its text.</summary>
    public string Add(ChatResponseUpdate update)
    {
        Model = update.ModelId is { Length: > 0 } model ? model : Model;
        ResponseId = update.ResponseId ?? ResponseId;
        FinishReason = update.FinishReason?.Value ?? FinishReason;
        var piece = "";
        foreach (var content in update.Contents)
        {
            switch (content)
            {
                case TextContent { Text: { Length: > 0 } text }:
                    piece += text;
                    break;
                case TextReasoningContent { Text.Length: var length }:
                    _reasoningLength += length;
                    break;
                case UsageContent usage:
                    // Later reports are cumulative: they replace earlier ones.
                    _usage = usage.Details;
                    _usageIsPartial = update.AdditionalProperties?.ContainsKey(ChatCallProgress.PartialUsage) == true;
                    break;
            }
        }

        // Postgres stores no NUL.
        piece = piece.Replace('\0', '\uFFFD');
        _text.Append(piece);
        if (update.AdditionalProperties is { } properties)
        {
            ReportedUsd = properties.TryGetValue(ChatCallProgress.CostUsd, out var cost) && cost is decimal usd ? usd : ReportedUsd;
            Terms = properties.TryGetValue(ChatCallProgress.Terms, out var told) && told is IReadOnlyList<string> terms ? terms : Terms;
            _rawUsage = properties.TryGetValue(ChatCallProgress.RawUsage, out var raw) && raw is JsonElement json ? json : _rawUsage;
            _upstreamProvider = properties.TryGetValue(ChatCallProgress.UpstreamProvider, out var host) && host is string name ? name : _upstreamProvider;
        }

        return piece;
    }

    /// <summary>Tokens used so far: as reported, else estimated if the provider began to answer or may bill the input, else none.</summary>
    /// <param name="complete">The reply is whole.</param>
    /// <param name="error">Why it failed; null when it is whole or was cancelled.</param>
    public TokenUsage Usage(bool complete, WorkflowError? error)
    {
        if (_usage is not null)
        {
            var reported = ChatCallProgress.ToTokenUsage(_usage);
            // A block that counts nothing where something is: the provider's counts are not to be had.
            var isEmpty = reported.InputTokens == 0 || (reported.OutputTokens == 0 && Began);
            return !_usageIsPartial && !isEmpty ? reported : reported with
            {
                InputTokens = reported.InputTokens > 0 ? reported.InputTokens : TokenEstimate.Input(prompt.Messages),
                OutputTokens = Math.Max(reported.OutputTokens, TokenEstimate.OfLength(_text.Length + _reasoningLength)),
                ReasoningTokens = Math.Max(reported.ReasoningTokens, TokenEstimate.OfLength(_reasoningLength)),
                Estimated = true,
            };
        }

        return complete || Began || InputMayBeBilled(error)
            ? new TokenUsage
            {
                InputTokens = TokenEstimate.Input(prompt.Messages),
                OutputTokens = TokenEstimate.OfLength(_text.Length + _reasoningLength),
                ReasoningTokens = TokenEstimate.OfLength(_reasoningLength),
                Estimated = true,
            }
            : new TokenUsage();
    }

    /// <summary>
    /// Whether nobody can know what it costs: the provider has the request, nothing of its answer is here, and it may go on with it. Of a stream that had begun
    /// it is known what had arrived.
    /// </summary>
    /// <param name="error">Why it failed; null when it was cancelled.</param>
    public bool IsFateUnknown(WorkflowError? error) => _usage is null && !Began && InputMayBeBilled(error);

    /// <summary>The reply as stored.</summary>
    public LlmReply ToReply(TokenUsage usage, TimeSpan duration) => new()
    {
        Content = Text,
        Provider = prompt.Provider,
        Model = Model,
        FinishReason = FinishReason,
        ResponseId = ResponseId,
        Usage = usage,
        DurationMs = (long)duration.TotalMilliseconds,
    };

    /// <summary>What helps to reconcile.</summary>
    public CallMetadata ToMetadata(TokenUsage usage) => new(_rawUsage, _upstreamProvider, usage.Estimated ? TokenEstimate.Method : null);

    private bool InputMayBeBilled(WorkflowError? error) => Progress.Stage switch
    {
        ChatCallStage.Sent => true,
        ChatCallStage.Sending or ChatCallStage.Refused => false,
        // A client that does not tell: a cancelled or broken call may have arrived, any other error is the provider's refusal.
        _ => error is null or { Type: ErrorTypes.NetworkError or ErrorTypes.UpstreamTimeout or ErrorTypes.InvalidResponse },
    };
}
