using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Ledger;
using LlmWorkflow.Simulator.RateLimits;

namespace LlmWorkflow.Simulator.Completions;

/// <summary>What the simulator knows of a chat request, whatever its wire format.</summary>
internal sealed record ChatRequest(string Model, bool Stream, ChatPrompt Prompt)
{
    /// <summary>A stream tells its usage.</summary>
    public bool IncludeUsage { get; init; } = true;

    /// <summary>The tier that serves and prices the call; null: not told.</summary>
    public string? ServiceTier { get; init; }
}

/// <summary>An error as an upstream words it; which of the words it sends is up to its protocol.</summary>
/// <param name="Status">HTTP status, as if the error came instead of the reply.</param>
/// <param name="Message">For people.</param>
internal sealed record UpstreamFault(int Status, string Message)
{
    public string? Type { get; init; }

    public string? Param { get; init; }

    public string? Code { get; init; }

    /// <summary>Coming back later helps, and <c>retry-after</c> may be sent.</summary>
    public bool MayRetry { get; init; } = true;
}

/// <summary>One upstream's wire format, models and prices; the way of a call is in <see cref="ChatUpstream"/>.</summary>
internal abstract class ChatProtocol
{
    /// <summary>Its name in the ledger.</summary>
    public abstract string Provider { get; }

    /// <summary>Its form of rate limit headers.</summary>
    public abstract RateHeaders RateHeaders { get; }

    /// <summary>The limit of every account for every model; null: none that it tells of.</summary>
    public virtual RateLimit? AccountLimit => null;

    /// <summary>An error of a reply that is not streamed may come under HTTP 200.</summary>
    public virtual bool FailsUnder200 => false;

    public abstract string NewCallId(TimeProvider time);

    /// <summary>The key that the caller sent, or null.</summary>
    public abstract string? KeyOf(HttpRequest request);

    /// <summary>Headers of every answer.</summary>
    public abstract void AddHeaders(HttpResponse response, UpstreamCall call);

    /// <summary>The request, or what is wrong with it.</summary>
    public abstract (ChatRequest? Request, UpstreamFault? Fault) Read(HttpRequest http, string body);

    /// <summary>Tokens that a call takes from a limit of tokens.</summary>
    public virtual int LimitedTokens(ChatRequest request) => request.Prompt.InputTokens;

    public abstract ModelPrice PriceOf(string model);

    public abstract CacheRules CacheOf(string model);

    /// <summary>All that the caller owes for tokens.</summary>
    public virtual decimal Charge(ChatReply reply, TokenUsage tokens) => reply.Price.OfInput(tokens) + reply.Price.OfOutput(tokens);

    /// <summary>What the protocol's own usage block says.</summary>
    public abstract TokenUsage ReadUsage(JsonElement usage);

    /// <summary>USD that a usage block of the protocol tells; null: it tells none.</summary>
    public virtual decimal? ReadUsd(JsonElement usage) => null;

    /// <param name="key">The key that was not accepted; null: none was sent.</param>
    public abstract UpstreamFault Unauthorized(string? key);

    /// <param name="status">400 to 599; null: the code's usual one.</param>
    /// <param name="code">The upstream's own word; null: the status's usual one.</param>
    /// <param name="model">The requested one; null: not known yet.</param>
    public abstract UpstreamFault Fault(int? status, string? code, string? model);

    /// <summary>A call over the limit.</summary>
    public virtual UpstreamFault Limited(RateDecision rate, string model) => Fault(StatusCodes.Status429TooManyRequests, code: null, model);

    public abstract UpstreamFault InvalidSchema();

    public abstract JsonObject ErrorBody(UpstreamFault fault, HttpResponse response);

    /// <summary>A reply that is not streamed.</summary>
    public abstract JsonObject Whole(ChatReply reply);

    /// <summary>What a stream sends at once.</summary>
    public virtual void WriteOpening(IBufferWriter<byte> output, ChatReply reply)
    {
    }

    /// <summary>What a stream sends every second until the first token.</summary>
    public virtual void WriteWaiting(IBufferWriter<byte> output, ChatReply reply)
    {
    }

    /// <summary>What comes with the first token, before it.</summary>
    public abstract void WriteFirst(IBufferWriter<byte> output, ChatReply reply);

    /// <summary>The tokens from (inclusive) to (exclusive).</summary>
    public abstract void WriteTokens(IBufferWriter<byte> output, ChatReply reply, int from, int to);

    /// <summary>Everything after the last token but the end mark.</summary>
    public abstract void WriteEnding(IBufferWriter<byte> output, ChatReply reply);

    /// <summary>The event that ends a stream.</summary>
    public abstract void WriteEndMark(IBufferWriter<byte> output, ChatReply reply);

    /// <summary>The event that ends a stream that broke.</summary>
    public abstract void WriteError(IBufferWriter<byte> output, ChatReply reply, UpstreamFault fault);
}
