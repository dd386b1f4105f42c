using System.Net;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Tests.Engine.Webhooks;

/// <summary>Secrets and private addresses.</summary>
public sealed class DeliverySafetyTests : IAsyncLifetime
{
    private WebhookBench bench = null!;
    private Receiver receiver = null!;

    public async Task InitializeAsync()
    {
        bench = await WebhookBench.StartAsync();
        receiver = await Receiver.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await bench.DisposeAsync();
        await receiver.DisposeAsync();
    }

    [Fact]
    public async Task RunOnce_PrivateAddress_IsNotConnectedTo()
    {
        bench.Options.AllowPrivateWebhooks = false;
        var id = await bench.AddAsync(receiver.Url);
        bench.Run();

        await bench.UntilStateAsync(id, "dead");

        Assert.Equal(0, receiver.Count);
        Assert.Contains("private or reserved address", await LastErrorAsync(), StringComparison.Ordinal);
    }

    // DNS rebinding: the name was public when it was checked at submit.
    [Fact]
    public async Task RunOnce_NameLeadsToPrivateAddress_IsNotConnectedTo()
    {
        bench.Options.AllowPrivateWebhooks = false;
        var id = await bench.AddAsync($"http://rebind.example:{new Uri(receiver.Url).Port}/hook");
        bench.Run(new DestinationGuard((_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback])));

        await bench.UntilStateAsync(id, "dead");

        Assert.Equal(0, receiver.Count);
        Assert.Contains("rebind.example leads to a private", await LastErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Row_SecretSealed_DoesNotHoldTheText()
    {
        const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        await bench.AddAsync(receiver.Url, secret: bench.Secrets.Seal(Secret));

        var row = await bench.ValueAsync("select d::text from llm_webhook_deliveries d");

        Assert.Contains("\\x01", row, StringComparison.Ordinal);
        Assert.DoesNotContain("MfKQ9r8G", row, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToHexStringLower("MfKQ9r8G"u8), row, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunOnce_SecretOfAnotherKey_SendsNothingAndGoesOnWithOthers()
    {
        bench.Options.WebhookSecret = "of the setting";
        var other = new SecretBox(new() { EncryptionKey = new string('k', 32) });
        var unreadable = await bench.AddAsync(receiver.Url, secret: other.Seal("s"));
        var readable = await bench.AddAsync(receiver.Url, secret: bench.Secrets.Seal("s"));
        bench.Run();

        await bench.UntilStateAsync(readable, "delivered");
        await bench.UntilStateAsync(unreadable, "dead");

        Assert.Equal(readable.ToString(), (await receiver.NextAsync()).Id);
        Assert.Equal(1, receiver.Count);
        Assert.Contains(
            "another EncryptionKey", await bench.ValueAsync("select last_error from llm_webhook_deliveries where id = $1", unreadable), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not a url")]
    [InlineData("ftp://example.com/")]
    [InlineData("http://127.0.0.1:1/")]
    public async Task RunOnce_UnreachableUrl_IsDeadInTheEnd(string url)
    {
        var id = await bench.AddAsync(url);
        bench.Run();

        await bench.UntilStateAsync(id, "dead");

        Assert.NotEmpty(await LastErrorAsync());
    }

    private async Task<string> LastErrorAsync() => await bench.ValueAsync("select last_error from llm_webhook_deliveries") ?? "";
}
