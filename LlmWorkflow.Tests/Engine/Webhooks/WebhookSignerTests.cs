using System.Text;
using LlmWorkflow.Engine.Webhooks;

namespace LlmWorkflow.Tests.Engine.Webhooks;

public sealed class WebhookSignerTests
{
    // The example of the Standard Webhooks libraries' own tests.
    private const string Id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private const long Timestamp = 1614265330;
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"test": 2432232314}""");

    [Theory]
    [InlineData("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")]
    // Computed with Python's hmac.
    [InlineData("plain-secret", "v1,3Iu+JbC8cHey9rJURLZfxQoX30vMfLebm9Kn1ePn6f4=")]
    [InlineData("whsec_not base64!", "v1,yUD2RuJUXJQ8HKsyjzbAMVmj4/ZkDavgvNxmEyGpKuU=")]
    public void StandardSignature_KnownSecret_MatchesVector(string secret, string expected) =>
        Assert.Equal(expected, WebhookSigner.StandardSignature(secret, Id, Timestamp, Body));

    // RFC 4231, test case 2.
    [Fact]
    public void BodySignature_Rfc4231_MatchesVector() => Assert.Equal(
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        WebhookSigner.BodySignature("Jefe", "what do ya want for nothing?"u8));

    [Fact]
    public void SetHeaders_Secret_SetsAllHeaders()
    {
        using var request = new HttpRequestMessage();
        var id = Guid.Parse("0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3");
        var at = DateTimeOffset.FromUnixTimeMilliseconds((Timestamp * 1000) + 999);

        WebhookSigner.SetHeaders(request.Headers, "workflow.failed", id, at, "s", Body);

        Assert.Equal("workflow.failed", Header("X-Webhook-Event"));
        Assert.Equal("0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3", Header("webhook-id"));
        Assert.Equal("1614265330", Header("webhook-timestamp"));
        Assert.Equal(WebhookSigner.BodySignature("s", Body), Header("X-Webhook-Signature"));
        Assert.Equal(WebhookSigner.StandardSignature("s", id.ToString(), Timestamp, Body), Header("webhook-signature"));
        Assert.Matches(@"^LlmWorkflow/\d+\.\d+\.\d+$", Header("User-Agent"));

        string Header(string name) => Assert.Single(request.Headers.GetValues(name));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void SetHeaders_NoSecret_LeavesSignaturesOut(string? secret)
    {
        using var request = new HttpRequestMessage();

        WebhookSigner.SetHeaders(request.Headers, "workflow.failed", Guid.NewGuid(), DateTimeOffset.UnixEpoch, secret, Body);

        Assert.False(request.Headers.Contains("X-Webhook-Signature"));
        Assert.False(request.Headers.Contains("webhook-signature"));
        Assert.True(request.Headers.Contains("webhook-id"));
    }
}
