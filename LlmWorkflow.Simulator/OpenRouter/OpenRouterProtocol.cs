using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Ledger;
using LlmWorkflow.Simulator.OpenAi;
using LlmWorkflow.Simulator.RateLimits;

namespace LlmWorkflow.Simulator.OpenRouter;

/// <summary>OpenRouter's chat completions, as its TypeScript SDK describes them and recorded replies show them. Usage is always told.</summary>
internal sealed class OpenRouterProtocol : ChatProtocol
{
    // What OpenRouter takes when the caller's own key pays the provider.
    private const decimal ByokFee = 0.05m;

    private const int LeastCachedTokens = 1024;

    public override string Provider => "openrouter";

    public override RateHeaders RateHeaders => RateHeaders.OpenRouter;

    public override bool FailsUnder200 => true;

    /// <summary>Ids look like the real ones: <c>gen-</c>, Unix seconds, 20 letters and digits.</summary>
    public override string NewCallId(TimeProvider time) => $"gen-{time.GetUtcNow().ToUnixTimeSeconds()}-{RandomNumberGenerator.GetString(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 20)}";

    public override string? KeyOf(HttpRequest request) => ApiKeys.Bearer(request);

    public override void AddHeaders(HttpResponse response, UpstreamCall call) => response.Headers["x-generation-id"] = call.Id;

    public override (ChatRequest? Request, UpstreamFault? Fault) Read(HttpRequest http, string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var (request, fault) = ChatCompletionBody.Read(document.RootElement);
            return (request, fault is null ? null : OpenRouterErrors.BadRequest(fault.Message));
        }
        catch (JsonException)
        {
            return (null, OpenRouterErrors.BadRequest("Invalid JSON body"));
        }
    }

    public override ModelPrice PriceOf(string model) => PriceTable.OfRouted(model);

    // Marks are passed on to those that know them; OpenAI's models cache by themselves.
    public override CacheRules CacheOf(string model) => ModelVendor.Prefix(model) switch
    {
        "anthropic" => new CacheRules(Marked: true, LeastCachedTokens, ReportsWrites: true),
        "openai" => OpenAiModels.CacheOf(PriceOf(model)),
        _ => CacheRules.Off,
    };

    public override decimal Charge(ChatReply reply, TokenUsage tokens) =>
        base.Charge(reply, tokens) * (reply.Settings.Byok is true ? 1 + ByokFee : 1);

    public override TokenUsage ReadUsage(JsonElement usage) => ChatCompletionJson.ReadUsage(usage);

    public override decimal? ReadUsd(JsonElement usage)
    {
        if (Decimal(usage, "cost") is not { } cost)
        {
            return null;
        }

        var own = usage.TryGetProperty("is_byok", out var byok) && byok.ValueKind is JsonValueKind.True
            && usage.TryGetProperty("cost_details", out var details) && details.ValueKind is JsonValueKind.Object
                ? Decimal(details, "upstream_inference_cost") : null;
        return cost + (own ?? 0m);
    }

    public override UpstreamFault Unauthorized(string? key) => OpenRouterErrors.Unauthorized(key);

    public override UpstreamFault Fault(int? status, string? code, string? model) => OpenRouterErrors.Of(status, code);

    public override UpstreamFault InvalidSchema() => OpenRouterErrors.BadRequest("Invalid schema for response_format");

    public override JsonObject ErrorBody(UpstreamFault fault, HttpResponse response) => new() { ["error"] = OpenRouterErrors.Json(fault, providerName: null) };

    public override JsonObject Whole(ChatReply reply)
    {
        var body = ChatCompletionJson.Whole(reply, UsageOf(reply));
        body["provider"] = ModelVendor.ProviderName(reply.Model);
        var choice = ChatCompletionJson.Choice(body);
        choice["native_finish_reason"] = NativeFinishReason(reply);
        choice["message"]!["reasoning"] = null;
        return body;
    }

    public override void WriteOpening(IBufferWriter<byte> output, ChatReply reply) => WriteWaiting(output, reply);

    public override void WriteWaiting(IBufferWriter<byte> output, ChatReply reply) => output.Write(": OPENROUTER PROCESSING\n\n"u8);

    public override void WriteFirst(IBufferWriter<byte> output, ChatReply reply)
    {
    }

    public override void WriteTokens(IBufferWriter<byte> output, ChatReply reply, int from, int to) =>
        output.WriteEvent(Chunk(reply, reply.Completion.Slice(from, to), finishReason: null));

    public override void WriteEnding(IBufferWriter<byte> output, ChatReply reply)
    {
        var last = Chunk(reply, "", ChatCompletionJson.FinishReason(reply));
        ChatCompletionJson.Choice(last)["native_finish_reason"] = NativeFinishReason(reply);
        if (UsageOf(reply) is { } usage)
        {
            last["usage"] = usage;
        }

        output.WriteEvent(last);
    }

    public override void WriteEndMark(IBufferWriter<byte> output, ChatReply reply) => output.Write(ChatCompletionJson.Done);

    public override void WriteError(IBufferWriter<byte> output, ChatReply reply, UpstreamFault fault)
    {
        var last = Chunk(reply, "", "error");
        last["error"] = OpenRouterErrors.Json(fault, ModelVendor.ProviderName(reply.Model));
        output.WriteEvent(last);
    }

    private static JsonObject Chunk(ChatReply reply, string content, string? finishReason)
    {
        var chunk = ChatCompletionJson.Chunk(reply, new JsonObject { ["role"] = "assistant", ["content"] = content }, finishReason);
        chunk["provider"] = ModelVendor.ProviderName(reply.Model);
        ChatCompletionJson.Choice(chunk)["native_finish_reason"] = finishReason;
        return chunk;
    }

    private static string? NativeFinishReason(ChatReply reply) => ModelVendor.NativeFinishReason(reply.Model, ChatCompletionJson.FinishReason(reply));

    // "cost" is what OpenRouter charges; under BYOK its fee only, and the provider charges the caller itself.
    private static JsonObject? UsageOf(ChatReply reply)
    {
        if (reply.Settings is { OmitUsage: true } or { Usage: not null })
        {
            return reply.Settings is { OmitUsage: not true, Usage: { } told } ? JsonObject.Create(told) : null;
        }

        var byok = reply.Settings.Byok is true;
        var (input, output) = (reply.Price.OfInput(reply.Usage), reply.Price.OfOutput(reply.Usage));
        var usage = ChatCompletionJson.Usage(reply.Usage);
        usage["prompt_tokens_details"]!["video_tokens"] = 0;
        usage["cost"] = ModelPrice.Trim((input + output) * (byok ? ByokFee : 1));
        usage["is_byok"] = byok;
        usage["cost_details"] = new JsonObject
        {
            ["upstream_inference_cost"] = ModelPrice.Trim(input + output),
            ["upstream_inference_prompt_cost"] = input,
            ["upstream_inference_completions_cost"] = output,
        };
        return usage;
    }

    private static decimal? Decimal(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Number && value.TryGetDecimal(out var number) ? number : null;
}
