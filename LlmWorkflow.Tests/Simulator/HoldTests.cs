using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

public sealed class HoldTests : SimulatorWire
{
    [Theory]
    [InlineData("before_response", true, 0, false)]
    [InlineData("before_first_byte", true, 0, false)]
    [InlineData("mid_stream", true, 10, false)]
    [InlineData("before_last_byte", true, 20, false)]
    [InlineData("after_last_byte", true, 20, true)]
    [InlineData("before_response", false, 0, false)]
    [InlineData("before_first_byte", false, 20, false)]
    [InlineData("mid_stream", false, 20, false)]
    [InlineData("before_last_byte", false, 20, false)]
    [InlineData("after_last_byte", false, 20, true)]
    public async Task Hold_ClientIsKilledThere_BillsWhatWasProduced(string point, bool stream, int tokens, bool completed)
    {
        await BehaveAsync($$"""{"latency_ms":0,"tokens_per_second":100000,"output_tokens":20,"hold":"{{point}}"}""");
        using (var leaving = new CancellationTokenSource())
        {
            var call = ReadAsync(stream, leaving.Token);
            var held = await HeldAsync(1);
            Assert.Equal(point, held[0].GetProperty("point").GetString());
            Assert.Equal(completed ? 1 : 0, (await LedgerAsync()).Length);
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        }

        var entry = await OnlyCallAsync();
        Assert.Equal(completed ? "completed" : "aborted", entry.GetProperty("outcome").GetString());
        Assert.Equal(5, entry.GetProperty("input_tokens").GetInt32());
        Assert.Equal(tokens, entry.GetProperty("output_tokens").GetInt32());
        Assert.Equal(((5 * 2.5m) + (tokens * 10m)) / 1_000_000m, entry.GetProperty("usd").GetDecimal());
    }

    [Theory]
    [InlineData("before_response")]
    [InlineData("before_first_byte")]
    [InlineData("mid_stream")]
    [InlineData("before_last_byte")]
    [InlineData("after_last_byte")]
    public async Task Release_HeldCalls_GoOnToTheEnd(string point)
    {
        await BehaveAsync($$"""{"latency_ms":0,"tokens_per_second":100000,"output_tokens":20,"hold":"{{point}}","hold_id":"x"}""");
        Task<string>[] calls = [ReadAsync(stream: true, CancellationToken.None), ReadAsync(stream: false, CancellationToken.None)];
        await HeldAsync(2, "x");

        var other = Parse(await (await Http.PostAsync("/_control/holds/release?id=y", null)).Content.ReadAsStringAsync());
        var released = Parse(await (await Http.PostAsync("/_control/holds/release?id=x", null)).Content.ReadAsStringAsync());
        var texts = await Task.WhenAll(calls);

        Assert.Equal((0, 2), (other.GetProperty("released").GetInt32(), released.GetProperty("released").GetInt32()));
        Assert.EndsWith("data: [DONE]\n\n", texts[0], StringComparison.Ordinal);
        Assert.Equal(20, Parse(texts[1]).GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.All(await LedgerAsync(), entry => Assert.Equal("completed", entry.GetProperty("outcome").GetString()));
    }

    [Fact]
    public async Task AfterLastByte_EverythingIsSent_BeforeLastByteTheEndMarkIsNot()
    {
        foreach (var (point, expected) in new[] { ("before_last_byte", false), ("after_last_byte", true) })
        {
            await BehaveAsync($$"""{"latency_ms":0,"output_tokens":3,"hold":"{{point}}"}""");
            using var request = OpenAiRequest(OpenAiBody(more: ""","stream":true,"stream_options":{"include_usage":true}"""));
            using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            List<string> lines = [];
            var read = Task.Run(async () =>
            {
                while (await reader.ReadLineAsync() is { } line)
                {
                    lock (lines)
                    {
                        lines.Add(line);
                    }
                }
            });
            await HeldAsync(1);
            await PollAsync(() => Seen("\"usage\":{"));
            await PollAsync(() => !expected || Seen("[DONE]"));

            Assert.Equal(expected, Seen("[DONE]"));
            await Http.PostAsync("/_control/holds/release", null);
            await read;
            Assert.True(Seen("[DONE]"));

            bool Seen(string part)
            {
                lock (lines)
                {
                    return lines.Exists(line => line.Contains(part, StringComparison.Ordinal));
                }
            }
        }
    }

    [Fact]
    public async Task Wait_NotEnoughHeld_AnswersAtTheTimeout()
    {
        var view = Parse(await Http.GetStringAsync("/_control/holds?count=1&timeout_ms=50"));

        Assert.False(view.GetProperty("reached").GetBoolean());
        Assert.Equal(0, view.GetProperty("held").GetArrayLength());
    }

    [Fact]
    public async Task Times_Given_HoldsOnlyTheFirstCall()
    {
        await BehaveAsync("""[{"latency_ms":0,"output_tokens":3},{"hold":"mid_stream","times":1}]""");
        var first = ReadAsync(stream: true, CancellationToken.None);
        await HeldAsync(1);

        Assert.EndsWith("[DONE]\n\n", await ReadAsync(stream: true, CancellationToken.None), StringComparison.Ordinal);
        await Http.PostAsync("/_control/holds/release?count=1", null);
        Assert.EndsWith("[DONE]\n\n", await first, StringComparison.Ordinal);
    }

    private static async Task PollAsync(Func<bool> done)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!done())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, deadline.Token);
        }
    }

    private async Task<string> ReadAsync(bool stream, CancellationToken cancellation)
    {
        using var request = OpenAiRequest(OpenAiBody(more: stream ? ""","stream":true""" : ""));
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        return await response.Content.ReadAsStringAsync(cancellation);
    }
}
