using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Ledger;
using LlmWorkflow.Simulator.RateLimits;

namespace LlmWorkflow.Simulator.Anthropic;

/// <summary>Anthropic's Messages API, after its documentation and what its client libraries read.</summary>
internal sealed class AnthropicProtocol : ChatProtocol
{
    private const string RequestIdHeader = "request-id";

    // Named by the date; the client libraries of 2026 send the later one.
    private const string OldVersion = "2023-06-01";
    private const string NewVersion = "2026-10-21";

    // An account with ample limits; a behavior sets others.
    private static readonly RateLimit Ample = new() { RequestsPerMinute = 1_000_000, TokensPerMinute = 2_000_000_000 };

    public override string Provider => "anthropic";

    public override RateHeaders RateHeaders => RateHeaders.Anthropic;

    public override RateLimit? AccountLimit => Ample;

    public override string NewCallId(TimeProvider time) => $"msg_01{NewToken()}";

    /// <summary>In <c>x-api-key</c>, or as a bearer token, which the newer client libraries send.</summary>
    public override string? KeyOf(HttpRequest request) =>
        request.Headers["x-api-key"].ToString() is { } key && !string.IsNullOrWhiteSpace(key) ? key.Trim() : ApiKeys.Bearer(request);

    public override void AddHeaders(HttpResponse response, UpstreamCall call)
    {
        response.Headers[RequestIdHeader] = $"req_01{NewToken()}";
        response.Headers["anthropic-organization-id"] = "00000000-0000-4000-8000-000000000000";
    }

    public override (ChatRequest? Request, UpstreamFault? Fault) Read(HttpRequest http, string body)
    {
        var version = http.Headers["anthropic-version"].ToString();
        if (version is not (OldVersion or NewVersion))
        {
            return (null, AnthropicErrors.BadRequest(
                version.Length == 0 ? "anthropic-version: header is required" : $"anthropic-version: \"{version}\" is not a valid version"));
        }

        try
        {
            using var document = JsonDocument.Parse(body);
            return MessagesBody.Read(document.RootElement, takesSampling: version is OldVersion);
        }
        catch (JsonException)
        {
            return (null, AnthropicErrors.BadRequest("The request body is not valid JSON."));
        }
    }

    public override ModelPrice PriceOf(string model) => ClaudeModel.Find(model)?.Price ?? PriceTable.OfRouted(model);

    public override CacheRules CacheOf(string model) => ClaudeModel.Find(model)?.Cache ?? CacheRules.Off;

    public override TokenUsage ReadUsage(JsonElement usage) => MessageJson.ReadUsage(usage);

    public override UpstreamFault Unauthorized(string? key) => AnthropicErrors.Unauthorized(key);

    public override UpstreamFault Fault(int? status, string? code, string? model) => AnthropicErrors.Of(status, code);

    public override UpstreamFault InvalidSchema() => AnthropicErrors.BadRequest("output_config.format.schema: Invalid schema");

    public override JsonObject ErrorBody(UpstreamFault fault, HttpResponse response) => AnthropicErrors.Json(fault, response.Headers[RequestIdHeader]);

    public override JsonObject Whole(ChatReply reply)
    {
        var content = new JsonArray(MessageJson.TextBlock(reply.Completion.Text));
        if (reply.Completion.ReasoningTokens > 0)
        {
            content.Insert(0, MessageJson.ThinkingBlock(whole: true));
        }

        return MessageJson.Message(reply, content, MessageJson.StopReason(reply), UsageOf(reply) ?? MessageJson.Usage(reply.Usage));
    }

    // The prompt is read and counted; of the output nothing is but the begin.
    public override void WriteOpening(IBufferWriter<byte> output, ChatReply reply)
    {
        var usage = UsageOf(reply) ?? MessageJson.Usage(reply.Usage);
        if (usage.ContainsKey("output_tokens"))
        {
            usage["output_tokens"] = 1;
        }

        usage.Remove("output_tokens_details");
        var message = MessageJson.Message(reply, [], stopReason: null, reply.Settings.OmitUsage is true ? null : usage);
        output.WriteEvent(new JsonObject { ["type"] = "message_start", ["message"] = message }, "message_start");
    }

    public override void WriteWaiting(IBufferWriter<byte> output, ChatReply reply) => output.WriteEvent(new JsonObject { ["type"] = "ping" }, "ping");

    public override void WriteFirst(IBufferWriter<byte> output, ChatReply reply)
    {
        WriteStart(output, index: 0, reply.Completion.ReasoningTokens > 0 ? MessageJson.ThinkingBlock(whole: false) : MessageJson.TextBlock(""));
        WriteWaiting(output, reply);
    }

    // The thinking is block 0 where there is one, and the text the block after it.
    public override void WriteTokens(IBufferWriter<byte> output, ChatReply reply, int from, int to)
    {
        var reasoning = reply.Completion.ReasoningTokens;
        if (from < reasoning && from == 0)
        {
            WriteDelta(output, 0, MessageJson.ThinkingDelta());
        }

        if (reasoning > 0 && from <= reasoning && to > reasoning)
        {
            WriteDelta(output, 0, MessageJson.SignatureDelta());
            WriteStop(output, 0);
            WriteStart(output, 1, MessageJson.TextBlock(""));
        }

        if (reply.Completion.Slice(from, to) is { Length: > 0 } text)
        {
            WriteDelta(output, reasoning > 0 ? 1 : 0, new JsonObject { ["type"] = "text_delta", ["text"] = text });
        }
    }

    public override void WriteEnding(IBufferWriter<byte> output, ChatReply reply)
    {
        WriteStop(output, reply.Completion.ReasoningTokens > 0 && reply.Completion.OutputTokens > reply.Completion.ReasoningTokens ? 1 : 0);
        var last = new JsonObject
        {
            ["type"] = "message_delta",
            ["delta"] = new JsonObject { ["stop_reason"] = MessageJson.StopReason(reply), ["stop_sequence"] = null },
        };
        last["usage"] = reply.Settings.OmitUsage is true
            ? new JsonObject { ["output_tokens"] = 0 } : UsageOf(reply) ?? MessageJson.CumulativeUsage(reply.Usage);
        output.WriteEvent(last, "message_delta");
    }

    public override void WriteEndMark(IBufferWriter<byte> output, ChatReply reply) =>
        output.WriteEvent(new JsonObject { ["type"] = "message_stop" }, "message_stop");

    public override void WriteError(IBufferWriter<byte> output, ChatReply reply, UpstreamFault fault) =>
        output.WriteEvent(AnthropicErrors.Json(fault, requestId: null), "error");

    private static void WriteStart(IBufferWriter<byte> output, int index, JsonObject block) => output.WriteEvent(
        new JsonObject { ["type"] = "content_block_start", ["index"] = index, ["content_block"] = block }, "content_block_start");

    private static void WriteDelta(IBufferWriter<byte> output, int index, JsonObject delta) => output.WriteEvent(
        new JsonObject { ["type"] = "content_block_delta", ["index"] = index, ["delta"] = delta }, "content_block_delta");

    private static void WriteStop(IBufferWriter<byte> output, int index) => output.WriteEvent(
        new JsonObject { ["type"] = "content_block_stop", ["index"] = index }, "content_block_stop");

    // The block that a behavior gives.
    private static JsonObject? UsageOf(ChatReply reply) => reply.Settings.Usage is { } told ? JsonObject.Create(told)!.DeepClone().AsObject() : null;

    private static string NewToken() => RandomNumberGenerator.GetString("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789", 22);
}
