using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Tests.Simulator;

public sealed class CallLedgerTests : SimulatorServer
{
    [Fact]
    public async Task Get_AfterCalls_EqualsWhatTheRepliesReported()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":100000}""");
        var reported = new List<(string Id, int Input, int Output, decimal Usd)>();
        for (var i = 0; i < 20; i++)
        {
            var (_, body) = await SendChatAsync(ChatBody($"Question {i}", model: i % 2 == 0 ? "openai/gpt-4o" : "anthropic/claude-3-haiku"));
            var usage = body.GetProperty("usage");
            reported.Add((body.GetProperty("id").GetString()!, usage.GetProperty("prompt_tokens").GetInt32(),
                usage.GetProperty("completion_tokens").GetInt32(), usage.GetProperty("cost").GetDecimal()));
        }

        var recorded = (await LedgerAsync()).Select(call => (
            call.GetProperty("id").GetString()!, call.GetProperty("input_tokens").GetInt32(),
            call.GetProperty("output_tokens").GetInt32(), call.GetProperty("usd").GetDecimal()));

        Assert.Equal(reported, recorded);
    }

    [Fact]
    public async Task Get_Entry_HasExactlyTheDocumentedFields()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":1}""");
        await SendChatAsync(ChatBody("Straße"));

        var call = await OnlyCallAsync();

        string[] fields =
        [
            "id", "at", "path", "model", "prompt_sha256", "input_tokens", "output_tokens", "usd", "outcome", "status", "provider", "key",
            "answering_model", "tokens", "service_tier", "streamed", "finish_reason", "first_byte_at", "last_byte_at",
        ];
        Assert.Equal(fields, call.EnumerateObject().Select(property => property.Name));
        Assert.Equal(Chat, call.GetProperty("path").GetString());
        Assert.Equal("openai/gpt-4o", call.GetProperty("model").GetString());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("Straße"))), call.GetProperty("prompt_sha256").GetString());
        Assert.Equal("completed", call.GetProperty("outcome").GetString());
        Assert.InRange(
            (TimeProvider.System.GetUtcNow() - DateTimeOffset.Parse(call.GetProperty("at").GetString()!, CultureInfo.InvariantCulture)).TotalSeconds, 0, 60);
    }

    [Fact]
    public async Task Get_WithPath_OnlyThoseAndDeleteEmptiesIt()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":1}""");
        await SendChatAsync(ChatBody("Hi"));
        await Http.PostAsync(Nearby, Json("{}"));

        var places = Parse(await Http.GetStringAsync("/_control/ledger?path=/places")).GetProperty("calls");

        Assert.Equal(Nearby, Assert.Single(places.EnumerateArray()).GetProperty("path").GetString());
        Assert.Equal(JsonValueKind.Null, places[0].GetProperty("model").ValueKind);
        Assert.Equal(HttpStatusCode.NoContent, (await Http.DeleteAsync("/_control/ledger")).StatusCode);
        Assert.Empty(await LedgerAsync());
    }

    [Fact]
    public async Task Generation_KnownCall_TellsItsCost()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":9}""");
        var (_, body) = await SendChatAsync(ChatBody("Hi"));

        var data = (await GenerationAsync(body.GetProperty("id").GetString()!)).GetProperty("data");

        Assert.Equal(body.GetProperty("usage").GetProperty("cost").GetDecimal(), data.GetProperty("total_cost").GetDecimal());
        Assert.Equal(9, data.GetProperty("native_tokens_completion").GetInt32());
        Assert.Equal("stop", data.GetProperty("finish_reason").GetString());
        Assert.False(data.GetProperty("cancelled").GetBoolean());
        Assert.Single(await LedgerAsync());
    }

    [Fact]
    public async Task Generation_CutStream_IsCancelledAndPriced()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":100,"cut_after_tokens":5}""");
        await using (var stream = await OpenStreamAsync(ChatBody("Hi", stream: true)))
        {
            await Assert.ThrowsAnyAsync<IOException>(() => stream.CopyToAsync(Stream.Null));
        }

        var data = (await GenerationAsync((await OnlyCallAsync()).GetProperty("id").GetString()!)).GetProperty("data");

        Assert.True(data.GetProperty("cancelled").GetBoolean());
        Assert.True(data.GetProperty("streamed").GetBoolean());
        Assert.Equal(5, data.GetProperty("tokens_completion").GetInt32());
        Assert.True(data.GetProperty("total_cost").GetDecimal() > 0);
    }

    [Fact]
    public async Task Generation_UnknownCall_404InShape()
    {
        var error = (await GenerationAsync("gen-0-none", HttpStatusCode.NotFound)).GetProperty("error");

        Assert.Equal(404, error.GetProperty("code").GetInt32());
    }

    [Fact]
    public void Add_BeyondCapacity_DropsTheOldestAndSaysSo()
    {
        var ledger = new CallLedger();
        var entry = new LedgerEntry { Id = "", At = DateTimeOffset.UnixEpoch, Path = "/x", Outcome = CallOutcome.Completed };
        for (var i = 0; i <= CallLedger.Capacity; i++)
        {
            ledger.Add(entry with { Id = i.ToString(CultureInfo.InvariantCulture) });
        }

        var view = ledger.Read(path: null);

        Assert.Equal(CallLedger.Capacity + 1, view.Calls.Count + view.Dropped);
        Assert.Equal(view.Dropped.ToString(CultureInfo.InvariantCulture), view.Calls[0].Id);
        Assert.Null(ledger.Find("0"));
        Assert.NotNull(ledger.Find(view.Calls[^1].Id));
    }

    [Fact]
    public void AbortUnsent_AfterComplete_CorrectsTheEntryUnlessCleared()
    {
        var ledger = new CallLedger();
        var call = new UpstreamCall(ledger, TimeProvider.System, "a", "/x");
        call.Complete(new Bill(new TokenUsage { Input = 3, Output = 4 }, 0.5m));
        call.AbortUnsent();

        Assert.Equal(CallOutcome.Aborted, Assert.Single(ledger.Read(path: null).Calls).Outcome);
        Assert.Equal(0.5m, ledger.Find("a")!.Usd);

        ledger.Clear();
        call.AbortUnsent();

        Assert.Empty(ledger.Read(path: null).Calls);
    }

    private async Task<JsonElement> GenerationAsync(string id, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/openrouter/api/v1/generation?id={id}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "test");
        var response = await Http.SendAsync(request);
        Assert.Equal(expected, response.StatusCode);
        return Parse(await response.Content.ReadAsStringAsync());
    }
}
