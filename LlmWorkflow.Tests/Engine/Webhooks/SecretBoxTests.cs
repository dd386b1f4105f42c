using System.Text;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Tests.Engine.Webhooks;

public sealed class SecretBoxTests
{
    private const string Key = "0123456789abcdef0123456789abcdef";
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    [Fact]
    public void Seal_ThenOpenWithSameKey_GivesTheSecret()
    {
        var box = Box(Key).Seal(Secret);

        Assert.True(Box(Key).TryOpen(box, out var secret, out _));
        Assert.Equal(Secret, secret);
    }

    [Fact]
    public void Seal_Twice_GivesDifferentBoxesWithoutTheText()
    {
        var (first, second) = (Box(Key).Seal(Secret), Box(Key).Seal(Secret));

        Assert.NotEqual(first, second);
        Assert.Equal(-1, first.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Secret[..8])));
    }

    // Made with the Python package cryptography. A box that an earlier release wrote must stay readable: layout and derivation are fixed for good.
    [Fact]
    public void TryOpen_BoxOfFirstRelease_GivesTheSecret()
    {
        var box = Convert.FromHexString("01000102030405060708090A0B6AA6580D2F9186F3EB287E34289EBAF283A074C5B90943F445D3CDF14591");

        Assert.True(Box(Key).TryOpen(box, out var secret, out _));
        Assert.Equal("fixed for good", secret);
    }

    [Fact]
    public void TryOpen_OtherKey_NamesTheSetting()
    {
        Assert.False(Box(new string('x', 32)).TryOpen(Box(Key).Seal(Secret), out var secret, out var reason));
        Assert.Null(secret);
        Assert.Contains("another EncryptionKey", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void TryOpen_AnyByteChanged_Fails()
    {
        var box = Box(Key).Seal("s");
        for (var i = 0; i < box.Length; i++)
        {
            var changed = box.ToArray();
            changed[i] ^= 1;
            Assert.False(Box(Key).TryOpen(changed, out _, out _), $"byte {i}");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(28)]
    public void TryOpen_TooShort_Fails(int length) => Assert.False(Box(Key).TryOpen(new byte[length], out _, out _));

    [Fact]
    public void Seal_KeyTooShort_IsAConfigError()
    {
        var e = Assert.Throws<WorkflowException>(() => Box("short").Seal(Secret));

        Assert.Equal(ErrorCategory.Config, e.Error.Category);
        Assert.False(Box("short").TryOpen(Box(Key).Seal(Secret), out _, out var reason));
        Assert.Contains("ENCRYPTION_KEY", reason, StringComparison.Ordinal);
    }

    private static SecretBox Box(string key) => new(new EngineOptions { EncryptionKey = key });
}
