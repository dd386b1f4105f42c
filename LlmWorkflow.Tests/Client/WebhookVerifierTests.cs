using System.Text;
using LlmWorkflow.Client;

namespace LlmWorkflow.Tests.Client;

public sealed class WebhookVerifierTests
{
    // The example of the Standard Webhooks libraries.
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private const string Id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private const string Timestamp = "1614265330";
    private const string Signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"test": 2432232314}""");

    [Fact]
    public void Verify_PublishedExample_IsValid() => Assert.Equal(WebhookVerification.Valid, Verifier().Verify(Id, Timestamp, Signature, Body));

    [Fact]
    public void Verify_SeveralSignatures_OneIsEnough() =>
        Assert.Equal(WebhookVerification.Valid, Verifier().Verify(Id, Timestamp, $"v1a,AAAA v1,AAAA {Signature}", Body));

    [Fact]
    public void Verify_HeadersByName_AreRead() =>
        Assert.Equal(
            WebhookVerification.Valid,
            Verifier().Verify(name => name switch { "webhook-id" => Id, "webhook-timestamp" => Timestamp, "webhook-signature" => Signature, _ => null }, Body));

    [Theory]
    [InlineData("other", Timestamp, Signature, WebhookVerification.WrongSignature)]
    [InlineData(Id, "1614265331", Signature, WebhookVerification.WrongSignature)]
    [InlineData(Id, Timestamp, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=", WebhookVerification.WrongSignature)]
    [InlineData(Id, Timestamp, "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", WebhookVerification.WrongSignature)]
    [InlineData(Id, Timestamp, "rubbish", WebhookVerification.WrongSignature)]
    [InlineData(null, Timestamp, Signature, WebhookVerification.MissingHeader)]
    [InlineData(Id, null, Signature, WebhookVerification.MissingHeader)]
    [InlineData(Id, "soon", Signature, WebhookVerification.MissingHeader)]
    [InlineData(Id, Timestamp, null, WebhookVerification.MissingHeader)]
    [InlineData(Id, "1614265630", Signature, WebhookVerification.WrongSignature)]
    [InlineData(Id, "1614265631", Signature, WebhookVerification.OutOfTolerance)]
    [InlineData(Id, "1614265029", Signature, WebhookVerification.OutOfTolerance)]
    [InlineData(Id, "9223372036854775807", Signature, WebhookVerification.OutOfTolerance)]
    public void Verify_SomethingChanged_IsRefused(string? id, string? timestamp, string? signature, WebhookVerification expected) =>
        Assert.Equal(expected, Verifier().Verify(id, timestamp, signature, Body));

    [Fact]
    public void Verify_BodyChanged_IsRefused() => Assert.Equal(WebhookVerification.WrongSignature, Verifier().Verify(Id, Timestamp, Signature, "{}"u8));

    [Theory]
    [InlineData("plain secret")]
    [InlineData("whsec_not base64!")]
    public void Verify_SecretThatIsNoStandardOne_IsItsText(string secret)
    {
        var mac = System.Security.Cryptography.HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{Id}.{Timestamp}.x"));

        Assert.Equal(WebhookVerification.Valid, Verifier(secret).Verify(Id, Timestamp, "v1," + Convert.ToBase64String(mac), "x"u8));
    }

    [Fact]
    public void VerifyBody_HexOfBody_IsValid()
    {
        // printf 'The quick brown fox jumps over the lazy dog' | openssl dgst -sha256 -hmac key
        const string expected = "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        var body = "The quick brown fox jumps over the lazy dog"u8;

        Assert.Equal(WebhookVerification.Valid, new WebhookVerifier("key").VerifyBody(expected, body));
        Assert.Equal(WebhookVerification.Valid, new WebhookVerifier("key").VerifyBody(expected.Replace('f', 'F').Replace("sha256=F", "sha256=f"), body));
        Assert.Equal(WebhookVerification.WrongSignature, new WebhookVerifier("key").VerifyBody(expected, "other"u8));
        Assert.Equal(WebhookVerification.WrongSignature, new WebhookVerifier("other").VerifyBody(expected, body));
        Assert.Equal(WebhookVerification.MissingHeader, new WebhookVerifier("key").VerifyBody(expected[..^1], body));
        Assert.Equal(WebhookVerification.MissingHeader, new WebhookVerifier("key").VerifyBody(null, body));
    }

    private static WebhookVerifier Verifier(string secret = Secret) => new(secret, time: new FixedClock(1614265330));

    private sealed class FixedClock(long seconds) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(seconds);
    }
}
