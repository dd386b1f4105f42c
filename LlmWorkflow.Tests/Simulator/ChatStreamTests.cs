using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

public sealed class ChatStreamTests : SimulatorServer
{
    [Fact]
    public async Task Stream_Request_SendsCommentChunksUsageAndDone()
    {
        var sse = await ReadToEndAsync(ChatBody("What is a fence token?", stream: true));
        var events = Events(sse).ToList();

        Assert.StartsWith(": OPENROUTER PROCESSING\n\n", sse, StringComparison.Ordinal);
        Assert.Equal("[DONE]", events[^1]);
        var chunks = events[..^1].Select(Parse).ToList();
        Assert.All(chunks, chunk => Assert.Equal("chat.completion.chunk", chunk.GetProperty("object").GetString()));
        Assert.Single(chunks.Select(chunk => chunk.GetProperty("id").GetString()).Distinct());
        Assert.All(chunks.SkipLast(1), chunk => Assert.Equal(JsonValueKind.Null, chunk.GetProperty("choices")[0].GetProperty("finish_reason").ValueKind));
        Assert.All(chunks.SkipLast(1), chunk => Assert.False(chunk.TryGetProperty("usage", out _)));
        Assert.Equal("stop", chunks[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.True(chunks[^1].GetProperty("usage").GetProperty("cost").GetDecimal() > 0);
    }

    [Fact]
    public async Task Stream_SamePrompt_SameTextAndUsageAsPlain()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":2000}""");

        var (_, plain) = await SendChatAsync(ChatBody("Write about group commit."));
        var events = Events(await ReadToEndAsync(ChatBody("Write about group commit.", stream: true))).ToList();

        Assert.Equal(plain.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(), ContentOf(events));
        Assert.Equal(plain.GetProperty("usage").GetRawText(), Parse(events[^2]).GetProperty("usage").GetRawText());
    }

    [Fact]
    public async Task Stream_TextWithSurrogatePairs_NeverTearsThem()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":40,"output_tokens":12,"reply":"a😀😀😀😀😀b"}""");

        var events = Events(await ReadToEndAsync(ChatBody("Smile", stream: true))).ToList();

        Assert.Equal("a😀😀😀😀😀b", ContentOf(events));
    }

    [Fact]
    public async Task Stream_CutAfterTokens_BreaksConnectionAndBillsThose()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":400,"output_tokens":100,"cut_after_tokens":7}""");
        await using var stream = await OpenStreamAsync(ChatBody("Hi", stream: true));
        var received = new MemoryStream();

        await Assert.ThrowsAnyAsync<IOException>(() => stream.CopyToAsync(received));

        var content = ContentOf(Events(Encoding.UTF8.GetString(received.ToArray())));
        Assert.Equal(7 * 4, content.Length);
        var call = await OnlyCallAsync();
        Assert.Equal("aborted", call.GetProperty("outcome").GetString());
        Assert.Equal(7, call.GetProperty("output_tokens").GetInt32());
        Assert.Equal(((call.GetProperty("input_tokens").GetInt32() * 2.5m) + (7 * 10m)) / 1_000_000m, call.GetProperty("usd").GetDecimal());
    }

    [Fact]
    public async Task Stream_CutAfterMoreThanItHas_EndsNormally()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":5,"cut_after_tokens":5}""");

        Assert.Equal("[DONE]", Events(await ReadToEndAsync(ChatBody("Hi", stream: true))).Last());
    }

    [Fact]
    public async Task Stream_ErrorStatus200_ErrorArrivesAsEventAfterTokens()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":1000,"output_tokens":50,"error_status":200,"cut_after_tokens":10}""");

        var events = Events(await ReadToEndAsync(ChatBody("Hi", stream: true))).ToList();

        Assert.DoesNotContain("[DONE]", events);
        var last = Parse(events[^1]);
        Assert.Equal(502, last.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("error", last.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Equal(40, ContentOf(events).Length);
        Assert.Equal("error", (await OnlyCallAsync()).GetProperty("outcome").GetString());
        Assert.Equal(10, (await OnlyCallAsync()).GetProperty("output_tokens").GetInt32());
    }

    [Fact]
    public async Task Stream_ClientLeavesMidway_AbortedWithTokensUntilThen()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":100,"output_tokens":100000}""");
        using (var request = ChatRequest(ChatBody("Hi", stream: true)))
        using (var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            await using var stream = await response.Content.ReadAsStreamAsync();
            using var reader = new StreamReader(stream);
            for (var seen = 0; seen < 3;)
            {
                seen += (await reader.ReadLineAsync())!.StartsWith("data: ", StringComparison.Ordinal) ? 1 : 0;
            }
        }

        var left = TimeProvider.System.GetTimestamp();
        var call = await OnlyCallAsync();

        Assert.InRange(TimeProvider.System.GetElapsedTime(left).TotalSeconds, 0, 30);
        Assert.Equal("aborted", call.GetProperty("outcome").GetString());
        Assert.InRange(call.GetProperty("output_tokens").GetInt32(), 2, 5_000);
        Assert.True(call.GetProperty("usd").GetDecimal() > 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Chat_ClientLeavesDuringLatency_AbortedAtOnceWithoutOutput(bool stream)
    {
        await BehaveAsync("""{"latency_ms":600000,"hold":"before_response"}""");
        await LeaveAsync(stream, TimeSpan.Zero);

        var left = TimeProvider.System.GetTimestamp();
        var call = await OnlyCallAsync();

        Assert.InRange(TimeProvider.System.GetElapsedTime(left).TotalSeconds, 0, 30);
        Assert.Equal("aborted", call.GetProperty("outcome").GetString());
        Assert.Equal(0, call.GetProperty("output_tokens").GetInt32());
        Assert.True(call.GetProperty("input_tokens").GetInt32() > 0);
    }

    [Fact]
    public async Task Plain_ClientLeavesWhileTokensAreMade_BillsThem()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":100,"output_tokens":100000,"hold":"before_response"}""");
        await LeaveAsync(stream: false, TimeSpan.FromMilliseconds(200));

        var call = await OnlyCallAsync();

        Assert.Equal("aborted", call.GetProperty("outcome").GetString());
        Assert.InRange(call.GetProperty("output_tokens").GetInt32(), 1, 5_000);
    }

    [Fact]
    public async Task Stream_HundredsAtOnce_AllCompleteInAboutTheTimeOfOne()
    {
        await BehaveAsync("""{"latency_ms":200,"tokens_per_second":20,"output_tokens":20}""");
        var started = TimeProvider.System.GetTimestamp();

        var replies = await Task.WhenAll(Enumerable.Range(0, 400).Select(i => ReadToEndAsync(ChatBody($"Call {i}", stream: true))));

        // One takes 1.15 s, one after the other they would take 460 s.
        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 1, 60);
        Assert.All(replies, reply => Assert.EndsWith("data: [DONE]\n\n", reply, StringComparison.Ordinal));
        var calls = await LedgerAsync();
        Assert.Equal(400, calls.Length);
        Assert.All(calls, call => Assert.Equal("completed", call.GetProperty("outcome").GetString()));
    }

    // Sends a call and leaves it some time after it has gone on from its hold: before that it might not have arrived.
    private async Task LeaveAsync(bool stream, TimeSpan after)
    {
        using var leaving = new CancellationTokenSource();
        var call = CallAsync(stream, leaving.Token);
        await HeldAsync(1);
        await Http.PostAsync("/_control/holds/release", null);
        while ((await HeldAsync(0)).Length > 0)
        {
        }

        await Task.Delay(after, TimeProvider.System);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    private async Task CallAsync(bool stream, CancellationToken leaving)
    {
        using var request = ChatRequest(ChatBody("Hi", stream));
        using var response = await Http.SendAsync(request, leaving);
    }

    private async Task<string> ReadToEndAsync(string body)
    {
        await using var stream = await OpenStreamAsync(body);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }
}
