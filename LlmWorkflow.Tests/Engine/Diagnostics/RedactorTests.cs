using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Tests.Engine.Diagnostics;

public sealed class RedactorTests
{
    private static readonly string[] SecretNames =
        ["auth", "secret", "key", "token", "password", "api_key", "apiKey", "API-Key", "X-Goog-Api-Key", "webhookSecret", "access_token", "dbPassword", "APIKey", "proxy.auth"];

    private static readonly string[] Keys =
    [
        "sk-or-v1-0123456789abcdef0123456789abcdef", "sk-ant-api03-abcdefghijkl_MNOP", "AIzaSyA0123456789abcdefghijklmnopqrstu", "ghp_0123456789abcdefghij",
        "Bearer abcdefgh12345678", "whsec_MfKQ9r8GKYqrTwjU", "AKIAIOSFODNN7EXAMPLE", "xoxb-123456789-abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123", "Zm9vYmFyYmF6cXV4Q0FQSVRBTFMxMjM0NTY3ODkwYWJjZGVm",
    ];

    [Theory]
    [InlineData("auth", true)]
    [InlineData("api_key", true)]
    [InlineData("apiKey", true)]
    [InlineData("X-API-Key", true)]
    [InlineData("ACCESS_TOKEN", true)]
    [InlineData("token", true)]
    [InlineData("total_tokens", false)]
    [InlineData("max_tokens", false)]
    [InlineData("monkey", false)]
    [InlineData("author", false)]
    [InlineData("key_name", false)]
    [InlineData("secretary", false)]
    [InlineData("oauth", false)]
    [InlineData("", false)]
    public void IsSecretName_WholeLastWord_Decides(string name, bool expected) => Assert.Equal(expected, Redactor.IsSecretName(name));

    [Fact]
    public void Json_NestedSecrets_AreReplacedAndTheRestStays()
    {
        var value = JsonElement.Parse("""{"lat":1.5,"auth":{"user":"u","pass":"p"},"list":[{"apiKey":"x","total_tokens":3}],"note":"ok","token":null}""");

        Assert.Equal(
            """{"lat":1.5,"auth":"[REDACTED]","list":[{"apiKey":"[REDACTED]","total_tokens":3}],"note":"ok","token":null}""",
            Redactor.Json(value).GetRawText());
    }

    [Theory]
    [InlineData("https://x.example/v1?key=0123456789abcdef&q=Berlin", "https://x.example/v1?key=[REDACTED]&q=Berlin")]
    [InlineData("https://user:pass@x.example/", "https://[REDACTED]@x.example/")]
    [InlineData("total_tokens: 12, monkey=banana", "total_tokens: 12, monkey=banana")]
    [InlineData("api_key: abc", "api_key: [REDACTED]")]
    [InlineData("job 01890a5d-ac96-774b-bcce-b302099a8057 failed", "job 01890a5d-ac96-774b-bcce-b302099a8057 failed")]
    [InlineData("hash e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "hash e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    public void Text_PlainWords_KeepsWhatIsNoSecret(string text, string expected) => Assert.Equal(expected, Redactor.Text(text));

    [Fact]
    public void Text_KnownSecret_IsRemovedWhateverItLooksLike() =>
        Assert.Equal("it was [REDACTED], sorry", Redactor.Text("it was plainword, sorry", "plainword", null));

    [Fact]
    public void Text_KeyInAnyText_NeverShows() => Check.QuickThrowOnFailure(Prop.ForAll(
        Gen.Elements(Keys).ToArbitrary(),
        ArbMap.Default.ArbFor<NonNull<string>>(),
        (key, around) =>
        {
            var text = Redactor.Text($"{around.Get} {key} {around.Get}");
            return !text.Contains(key[^8..], StringComparison.Ordinal) || around.Get.Contains(key[^8..], StringComparison.Ordinal);
        }));

    [Fact]
    public void Json_SecretAtAnyDepth_NeverShows() => Check.QuickThrowOnFailure(Prop.ForAll(
        Gen.Elements(SecretNames).ToArbitrary(),
        Gen.Choose(0, 12).ToArbitrary(),
        ArbMap.Default.ArbFor<Guid>(),
        (name, depth, secret) =>
        {
            var json = JsonSerializer.Serialize(new Dictionary<string, object> { [name] = secret, ["total_tokens"] = 5 });
            for (var i = 0; i < depth; i++)
            {
                json = i % 2 == 0 ? $"[{json}]" : $"{{\"inner\":{json}}}";
            }

            var text = Redactor.Json(JsonElement.Parse(json)).GetRawText();
            return !text.Contains(secret.ToString(), StringComparison.Ordinal) && text.Contains("\"total_tokens\":5", StringComparison.Ordinal);
        }));

    [Fact]
    public void Text_AnyText_IsAtMostTwoHundredLongAndStable() => Check.QuickThrowOnFailure(Prop.ForAll(
        ArbMap.Default.ArbFor<NonNull<string>>(),
        Gen.Choose(1, 400).ToArbitrary(),
        (piece, times) =>
        {
            var text = Redactor.Text(string.Concat(Enumerable.Repeat(piece.Get, times)));
            return text.Length <= Redactor.MaxLength && Redactor.Text(text) == text;
        }));
}
