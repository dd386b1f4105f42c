using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Ledger;
using LlmWorkflow.Simulator.RateLimits;

namespace LlmWorkflow.Simulator.OpenAi;

/// <summary>OpenAI's chat completions, after its OpenAPI description and what its client libraries read.</summary>
internal sealed class OpenAiProtocol : ChatProtocol
{
    // An account with ample limits; a behavior sets others.
    private static readonly RateLimit Ample = new() { RequestsPerMinute = 1_000_000, TokensPerMinute = 2_000_000_000 };

    private static readonly string[] Tiers = ["auto", "default", "flex", "scale", "priority", "fast"];

    public override string Provider => "openai";

    public override RateHeaders RateHeaders => RateHeaders.OpenAi;

    public override RateLimit? AccountLimit => Ample;

    public override string NewCallId(TimeProvider time) => $"chatcmpl-{RandomNumberGenerator.GetString(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 29)}";

    public override string? KeyOf(HttpRequest request) => ApiKeys.Bearer(request);

    public override void AddHeaders(HttpResponse response, UpstreamCall call)
    {
        response.Headers["x-request-id"] = $"req_{RandomNumberGenerator.GetHexString(32, lowercase: true)}";
        response.Headers["openai-version"] = "2020-10-01";
        response.Headers["openai-organization"] = "org-simulated";
    }

    public override (ChatRequest? Request, UpstreamFault? Fault) Read(HttpRequest http, string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Read(document.RootElement);
        }
        catch (JsonException)
        {
            return (null, OpenAiErrors.BadRequest("We could not parse the JSON body of your request."));
        }
    }

    public override int LimitedTokens(ChatRequest request) => request.Prompt.InputTokens + (request.Prompt.MaxTokens ?? 0);

    public override ModelPrice PriceOf(string model) => OpenAiModels.PriceOf(model) ?? PriceTable.OfRouted(model);

    public override CacheRules CacheOf(string model) => OpenAiModels.CacheOf(PriceOf(model));

    public override decimal Charge(ChatReply reply, TokenUsage tokens) =>
        base.Charge(reply, tokens) * OpenAiModels.Multiplier(reply.Request.ServiceTier);

    public override TokenUsage ReadUsage(JsonElement usage) => ChatCompletionJson.ReadUsage(usage);

    public override UpstreamFault Unauthorized(string? key) => OpenAiErrors.Unauthorized(key);

    public override UpstreamFault Fault(int? status, string? code, string? model) => OpenAiErrors.Of(status, code, model);

    public override UpstreamFault Limited(RateDecision rate, string model) => OpenAiErrors.Limited(rate, model);

    public override UpstreamFault InvalidSchema() => OpenAiErrors.BadRequest("Invalid schema for response_format.", "response_format", "invalid_json_schema");

    public override JsonObject ErrorBody(UpstreamFault fault, HttpResponse response) => OpenAiErrors.Body(fault);

    public override JsonObject Whole(ChatReply reply) => WithTier(ChatCompletionJson.Whole(reply, UsageOf(reply)), reply);

    public override void WriteFirst(IBufferWriter<byte> output, ChatReply reply) =>
        output.WriteEvent(Chunk(reply, new JsonObject { ["role"] = "assistant", ["content"] = "", ["refusal"] = null }));

    public override void WriteTokens(IBufferWriter<byte> output, ChatReply reply, int from, int to)
    {
        // Nothing is told while the model thinks.
        if (reply.Completion.Slice(from, to) is { Length: > 0 } text)
        {
            output.WriteEvent(Chunk(reply, new JsonObject { ["content"] = text }));
        }
    }

    public override void WriteEnding(IBufferWriter<byte> output, ChatReply reply)
    {
        output.WriteEvent(Chunk(reply, [], ChatCompletionJson.FinishReason(reply)));
        if (reply.Request.IncludeUsage && reply.Settings.OmitUsage is not true)
        {
            var last = WithTier(ChatCompletionJson.Chunk(reply, []), reply);
            last["usage"] = UsageOf(reply);
            output.WriteEvent(last);
        }
    }

    public override void WriteEndMark(IBufferWriter<byte> output, ChatReply reply) => output.Write(ChatCompletionJson.Done);

    public override void WriteError(IBufferWriter<byte> output, ChatReply reply, UpstreamFault fault) => output.WriteEvent(OpenAiErrors.Body(fault));

    private static (ChatRequest? Request, UpstreamFault? Fault) Read(JsonElement root)
    {
        var (request, fault) = ChatCompletionBody.Read(root);
        if (request is null)
        {
            return (null, fault!.Param is "model"
                ? OpenAiErrors.BadRequest("you must provide a model parameter")
                : OpenAiErrors.BadRequest(fault.Message, fault.Param, "invalid_value"));
        }

        if (OpenAiModels.PriceOf(request.Model) is null)
        {
            return (null, OpenAiErrors.UnknownModel(request.Model));
        }

        if (request.ServiceTier is { } tier && !Tiers.Contains(tier, StringComparer.Ordinal))
        {
            return (null, OpenAiErrors.BadRequest($"Invalid value: '{tier}'. Supported values are: {string.Join(", ", Tiers)}.", "service_tier", "invalid_value"));
        }

        if (OpenAiModels.Refuse(request.Model, root) is { } refused)
        {
            return (null, refused);
        }

        if (StrictSchemaFault.Of(root, request.Prompt.Format.Schema) is { } schema)
        {
            return (null, OpenAiErrors.BadRequest(schema, "response_format", "invalid_json_schema"));
        }

        return (request with
        {
            Prompt = request.Prompt with { ReasoningTokens = OpenAiModels.ReasoningTokens(request.Model, root) },
            // The tier that serves an undemanding call.
            ServiceTier = request.ServiceTier is null or "auto" ? "default" : request.ServiceTier,
        }, null);
    }

    private static JsonObject Chunk(ChatReply reply, JsonObject delta, string? finishReason = null)
    {
        var chunk = WithTier(ChatCompletionJson.Chunk(reply, delta, finishReason), reply);
        if (reply.Request.IncludeUsage)
        {
            chunk["usage"] = null;
        }

        return chunk;
    }

    private static JsonObject WithTier(JsonObject body, ChatReply reply)
    {
        body["service_tier"] = reply.Request.ServiceTier;
        body["system_fingerprint"] = "fp_simulated";
        return body;
    }

    private static JsonObject? UsageOf(ChatReply reply) => reply.Settings switch
    {
        { OmitUsage: true } => null,
        { Usage: { } told } => JsonObject.Create(told),
        _ => ChatCompletionJson.Usage(reply.Usage),
    };
}
