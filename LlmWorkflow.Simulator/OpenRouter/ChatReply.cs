using System.Buffers;
using System.Text.Json;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.OpenRouter;

/// <summary>Plays one planned reply over HTTP and settles its call: whole, cut off, broken by an error, or left by its client.</summary>
internal sealed class ChatReply(
    HttpContext http, UpstreamCall call, ChatRequest request, Completion completion, CallBehavior behavior, Playback playback, TimeProvider time)
{
    // A connection that is cut at once may take bytes along that it was given just before.
    private static readonly TimeSpan BeforeCut = TimeSpan.FromMilliseconds(20);

    private readonly PriceTable.Price price = PriceTable.Of(request.Model);
    private readonly int inputTokens = request.Prompt.InputTokens;
    private readonly string provider = ModelVendor.ProviderName(request.Model);

    private string FinishReason => completion.LimitReached ? "length" : "stop";

    /// <summary>Tokens after which the reply breaks off, or null when it does not.</summary>
    private int? BreaksAfter => (behavior.Fails, behavior.Settings.CutAfterTokens) switch
    {
        (true, var cut) => Math.Min(cut ?? 0, completion.OutputTokens),
        (false, { } cut) when cut < completion.OutputTokens => cut,
        _ => null,
    };

    public async Task SendWholeAsync(CancellationToken gone)
    {
        var tokens = BreaksAfter ?? completion.OutputTokens;
        try
        {
            await playback.WaitForAsync(tokens, gone);
        }
        catch (OperationCanceledException)
        {
            SettleAborted(playback.ProducedOf(tokens));
            throw;
        }

        if (BreaksAfter is not null)
        {
            await BreakWholeAsync(tokens, gone);
            return;
        }

        var message = new ChatChoice(FinishReason, ModelVendor.NativeFinishReason(request.Model, FinishReason), new ChatMessage(completion.Text));
        SettleCompleted();
        await http.Response.WriteAsJsonAsync(
            new ChatCompletion(call.Id, provider, request.Model, call.At.ToUnixTimeSeconds(), [message], Usage()),
            SimulatorJson.Wire.ChatCompletion,
            cancellationToken: gone);
    }

    public async Task StreamAsync(CancellationToken gone)
    {
        try
        {
            http.Response.ContentType = "text/event-stream";
            http.Response.Headers.CacheControl = "no-cache";
            await CommentAsync(gone);
            await playback.WaitForFirstAsync(() => CommentAsync(gone), gone);
            await playback.SendAsync(
                BreaksAfter ?? completion.OutputTokens,
                (from, to) => WriteAsync(Chunk(completion.Slice(from, to)), gone),
                gone);
        }
        catch (Exception left) when (left is OperationCanceledException or IOException)
        {
            SettleAborted(playback.Sent);
            throw;
        }

        if (BreaksAfter is not null)
        {
            await BreakStreamAsync(gone);
            return;
        }

        SettleCompleted();
        await WriteAsync(Chunk("", FinishReason) with { Usage = Usage() }, gone);
        http.Response.BodyWriter.Write("data: [DONE]\n\n"u8);
        await http.Response.BodyWriter.FlushAsync(gone);
    }

    private async Task BreakWholeAsync(int tokens, CancellationToken gone)
    {
        if (behavior.Fails)
        {
            SettleFailed(tokens);
            await OpenRouterErrors.SendAsync(http.Response, StatusCodes.Status200OK, OpenRouterErrors.Provider, gone);
            return;
        }

        SettleAborted(tokens);
        http.Abort();
    }

    private async Task BreakStreamAsync(CancellationToken gone)
    {
        if (behavior.Fails)
        {
            SettleFailed(playback.Sent);
            await WriteAsync(Chunk("", "error") with { Error = OpenRouterErrors.Provider }, gone);
            return;
        }

        SettleAborted(playback.Sent);
        await Task.Delay(BeforeCut, time, gone);
        http.Abort();
    }

    private async Task CommentAsync(CancellationToken gone)
    {
        http.Response.BodyWriter.Write(": OPENROUTER PROCESSING\n\n"u8);
        await http.Response.BodyWriter.FlushAsync(gone);
    }

    private async Task WriteAsync(ChatCompletionChunk chunk, CancellationToken gone)
    {
        var output = http.Response.BodyWriter;
        output.Write("data: "u8);
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = SimulatorJson.Wire.Options.Encoder, SkipValidation = true }))
        {
            JsonSerializer.Serialize(json, chunk, SimulatorJson.Wire.ChatCompletionChunk);
        }

        output.Write("\n\n"u8);
        await output.FlushAsync(gone);
    }

    private ChatCompletionChunk Chunk(string content, string? finishReason = null) => new(
        call.Id,
        provider,
        request.Model,
        call.At.ToUnixTimeSeconds(),
        [new ChatChunkChoice(new ChatDelta(content), finishReason, ModelVendor.NativeFinishReason(request.Model, finishReason))]);

    private ChatUsage Usage()
    {
        var total = price.Total(inputTokens, completion.OutputTokens);
        return new ChatUsage(
            inputTokens, completion.OutputTokens, total, new CostDetails(total, price.Input(inputTokens), price.Output(completion.OutputTokens)));
    }

    // The prompt is billed from the moment the model has it, whatever comes of the reply.
    private void SettleAborted(int tokens) => call.Abort(inputTokens, tokens, price.Total(inputTokens, tokens));

    private void SettleCompleted() =>
        call.Complete(inputTokens, completion.OutputTokens, price.Total(inputTokens, completion.OutputTokens), FinishReason);

    // A model that broke before its first token is not charged for.
    private void SettleFailed(int tokens)
    {
        if (tokens == 0)
        {
            call.Fail();
        }
        else
        {
            call.Fail(inputTokens, tokens, price.Total(inputTokens, tokens));
        }
    }
}
