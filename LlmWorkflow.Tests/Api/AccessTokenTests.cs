using LlmWorkflow.Api;
using LlmWorkflow.Engine;
using Microsoft.Extensions.Options;

namespace LlmWorkflow.Tests.Api;

public sealed class AccessTokenTests
{
    private static readonly Guid Job = Guid.Parse("0192f0c1-2b7a-7c3e-9f44-5d2b8a1e6f00");
    private readonly SetClock _clock = new();

    [Fact]
    public void IsValid_OwnJobWithinADay_Holds()
    {
        var token = Tokens().Create(Job);

        Assert.True(Tokens().IsValid(token, Job));
        _clock.Now += AccessTokens.Lifetime - TimeSpan.FromSeconds(1);
        Assert.True(Tokens().IsValid(token, Job));
    }

    [Fact]
    public void IsValid_AfterADay_Fails()
    {
        var token = Tokens().Create(Job);
        _clock.Now += AccessTokens.Lifetime;

        Assert.False(Tokens().IsValid(token, Job));
    }

    [Fact]
    public void IsValid_OtherJobOrOtherSecret_Fails()
    {
        var token = Tokens().Create(Job);

        Assert.False(Tokens().IsValid(token, Guid.CreateVersion7()));
        Assert.False(Tokens("another secret of more than 32 characters").IsValid(token, Job));
    }

    [Fact]
    public void IsValid_AnyCharacterChanged_Fails()
    {
        var token = Tokens().Create(Job);
        for (var i = 0; i < token.Length - 1; i++)
        {
            var changed = token[..i] + (token[i] == 'A' ? 'B' : 'A') + token[(i + 1)..];
            Assert.False(Tokens().IsValid(changed, Job), $"character {i}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("$$$$")]
    public void IsValid_Rubbish_Fails(string token)
    {
        Assert.False(Tokens().IsValid(token, Job));
        Assert.False(Tokens().IsValid(new string('A', 5000), Job));
    }

    private AccessTokens Tokens(string secret = "a secret of at least 32 characters!!") =>
        new(Options.Create(new EngineOptions { EncryptionKey = secret }), _clock);

    private sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 11, 21, 10, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
