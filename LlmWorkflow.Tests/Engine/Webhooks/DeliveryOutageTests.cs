using LlmWorkflow.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace LlmWorkflow.Tests.Engine.Webhooks;

/// <summary>The database goes away between the answer and its record.</summary>
public sealed class DeliveryOutageTests
{
    [Fact]
    public async Task RunOnce_DatabaseAwayWhenAnswered_RecordsOnceItIsBackAndSendsOnce()
    {
        await using var postgres = await TestServers.StartOwnPostgresAsync();
        await using var bench = await WebhookBench.StartAsync(postgres.ConnectionString("postgres"));
        await using var receiver = await Receiver.StartAsync();
        var id = await bench.AddAsync(receiver.Url);
        var down = new TaskCompletionSource();
        receiver.Answer = async (_, context) =>
        {
            await down.Task;
            await context.Response.WriteAsync("got it");
            await context.Response.CompleteAsync();
        };
        var delivery = bench.Deliverer();
        Assert.True(await delivery.RunOnceAsync(default));
        await receiver.NextAsync();

        await postgres.StopAsync();
        down.SetResult();
        await Assert.ThrowsAnyAsync<Exception>(() => delivery.RunOnceAsync(default));
        await postgres.StartAsync(default);
        await delivery.StopAsync(CancellationToken.None);

        var row = Assert.Single(await bench.QueryAsync(
            "select d.state, a.response_body from llm_webhook_deliveries d join llm_webhook_attempts a on a.delivery_id = d.id where d.id = $1", id));
        Assert.Equal(["delivered", "got it"], row);
        Assert.Equal(1, receiver.Count);
    }
}
