using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Tests.Engine.Providers;
using static LlmWorkflow.Tests.Engine.Steps.LlmStepRun;

namespace LlmWorkflow.Tests.Engine.Steps;

/// <summary>Calls that may not be made yet: they park their job, and use up no attempt.</summary>
public sealed class LlmWaitTests
{
    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    [InlineData(529)]
    public async Task Execute_RefusedAsTooMany_ParksUntilTheProviderSaid(int status)
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Refusal(status, ("Retry-After", "9"))));
        var now = TimeProvider.System.GetUtcNow();

        var result = await RunAsync(fixture, change: Whole);

        var wait = Assert.Single(result.Waits);
        Assert.Equal((true, WaitReason.Provider, "analyse"), (result.IsParked, wait.Reason, wait.StepPath));
        Assert.InRange(wait.Until!.Value, now.AddSeconds(9), now.AddSeconds(20));
        Assert.Equal((GateOutcome)(status == 429 ? GateOutcome.RateLimited : GateOutcome.Overloaded), Assert.Single(fixture.Gate.Reports).Outcome);
        Assert.Equal(TimeSpan.FromSeconds(9), fixture.Gate.Reports[0].RetryAfter);
        Assert.Equal((CallState.Aborted, 0m), (fixture.Ledger.Settlements[0].State, fixture.Ledger.Settlements[0].CostUsd));
    }

    [Fact]
    public async Task Execute_QuotaUsedUp_FailsAtOnce()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(LlmWorkflow.Tests.Support.FakeUpstream.Json("""{"error":{"code":"insufficient_quota","message":"no"}}""", 429)));

        var result = await RunAsync(fixture, change: Whole);

        Assert.Equal((ErrorTypes.QuotaExceeded, false), (result.Error!.Type, result.Error.Retryable));
        Assert.Equal(GateOutcome.Answered, fixture.Gate.Reports[0].Outcome);
    }

    [Fact]
    public async Task Execute_ProviderPaused_AsksTheFallbackWithoutAskingIt()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("Hi", model: "other")));
        fixture.Gate.Answers.Enqueue(Wait(TimeSpan.FromMinutes(1), GateWaitReason.Paused));

        var result = await RunAsync(fixture, change: step => step with { Stream = false, Fallbacks = [new LlmFallback(null, "other")] });

        Assert.Equal("other", result.Output.GetProperty("model").GetString());
        Assert.Equal("other", Assert.Single(Requests(fixture)).GetProperty("model").GetString());
    }

    [Fact]
    public async Task Execute_PlaceInThePaceIsLater_ParksAndAsksNobodyElse()
    {
        await using var fixture = await LlmFixture.StartAsync(Script());
        fixture.Gate.Answers.Enqueue(Wait(TimeSpan.FromSeconds(40), GateWaitReason.Paced));

        var result = await RunAsync(fixture, change: step => step with { Stream = false, Fallbacks = [new LlmFallback(null, "other")] });

        Assert.Equal(WaitReason.Provider, Assert.Single(result.Waits).Reason);
        Assert.Empty(fixture.Ledger.Reservations);
    }

    [Fact]
    public async Task Execute_ShortWait_IsSatOut()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("Hi")));
        fixture.Gate.Answers.Enqueue(Wait(TimeSpan.FromMilliseconds(50), GateWaitReason.Paced));

        var result = await RunAsync(fixture, change: Whole);

        Assert.Equal("Hi", result.Output.GetProperty("content").GetString());
        Assert.Equal(["analyse"], fixture.Gate.Asks.Select(ask => ask.Ticket[33..]).Distinct());
    }

    [Fact]
    public async Task Execute_RefusedFiftyTimes_IsAnErrorThatTheRetryDecidesOn()
    {
        await using var fixture = await LlmFixture.StartAsync(Refusal(429));
        StepResultKind last = default;
        for (var i = 0; i <= 50; i++)
        {
            var result = await RunAsync(fixture, change: Whole);
            last = new(result.IsParked, result.Error?.Type);
            Assert.Equal(i < 50, result.IsParked);
        }

        Assert.Equal(new(false, ErrorTypes.RateLimited), last);
    }

    [Fact]
    public async Task Execute_OverTheJobsCap_FailsBeforeTheRequestAndSaysWhatItWouldTake()
    {
        await using var fixture = await LlmFixture.StartAsync(Script());

        var result = await RunAsync(fixture, job: fixture.Job with { MaxCostUsd = 0.0001m });

        Assert.Equal((ErrorTypes.BudgetExceeded, ErrorCategory.User, false), (result.Error!.Type, result.Error.Category, result.Error.Retryable));
        Assert.StartsWith($"The cap of the job is 0.0001 USD: 0 spent, and a call of {LlmFixture.Model} may cost up to 0.0205", result.Error.Message, StringComparison.Ordinal);
        Assert.Equal(GateReport.NotSent, Assert.Single(fixture.Gate.Reports));
    }

    [Fact]
    public async Task Execute_CapAndNoPrice_IsRefused()
    {
        await using var fixture = await LlmFixture.StartAsync(Script());

        var result = await RunAsync(fixture, job: fixture.Job with { MaxCostUsd = 1 }, change: step => step with { Stream = false, Model = "mystery" });

        Assert.Equal((ErrorTypes.UnpricedModel, ErrorCategory.Config), (result.Error!.Type, result.Error.Category));
    }

    [Theory]
    [InlineData("""{"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":5}]}""", true)]
    [InlineData("""{"plugins":[{"id":"web"}]}""", true)]
    [InlineData("""{"tools":[{"type":"function","function":{"name":"f"}}]}""", false)]
    public async Task Execute_CapAndToolsOfTheProvider_IsRefused(string options, bool isRefused)
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("Hi")));

        var result = await RunAsync(fixture, job: fixture.Job with { MaxCostUsd = 1 }, change: step => Whole(step) with { ProviderOptions = System.Text.Json.JsonElement.Parse(options) });

        Assert.Equal(isRefused ? ErrorTypes.UnpricedModel : null, result.Error?.Type);
        // One token per byte of them.
        Assert.Equal(isRefused ? null : options.Length, isRefused ? null : (int?)((fixture.Ledger.Reservations[0].ReservedUsd!.Value - BareWorstUsd) * 1_000_000));
    }

    [Fact]
    public async Task Execute_AfterARefusalForNothing_IsUseful()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Refusal(429), Answer("Hi")));

        await RunAsync(fixture, change: Whole);
        await RunAsync(fixture, change: Whole);

        Assert.Equal([CallPurpose.Useful, CallPurpose.Useful], fixture.Ledger.Reservations.Select(call => call.Purpose));
    }

    [Fact]
    public async Task Execute_SameQuestionOfAnotherJob_HasItsReplyForNothing()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("Hi")));
        var (first, second) = (fixture.Job, fixture.Job with { JobId = Guid.CreateVersion7() });

        var bought = await RunAsync(fixture, job: first, change: Cached);
        var known = await RunAsync(fixture, job: second, change: Cached);

        Assert.False(bought.Output.GetProperty("cached").GetBoolean());
        Assert.True(known.Output.GetProperty("cached").GetBoolean());
        Assert.Equal(("Hi", "0"), (known.Output.GetProperty("content").GetString(), known.Output.GetProperty("cost_usd").GetRawText()));
        Assert.Null(known.Usage);
        Assert.Single(fixture.Gate.Asks);
    }

    [Fact]
    public async Task Execute_SameQuestionOfAnotherUser_IsBoughtAgainUnlessShared()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("for Ann"), Answer("for Bob"), Answer("for all")));
        JobIdentity Of(int user) => fixture.Job with { JobId = Guid.CreateVersion7(), UserId = new Guid(user, 0, 0, new byte[8]) };

        var ann = await RunAsync(fixture, job: Of(1), change: Cached);
        var bob = await RunAsync(fixture, job: Of(2), change: Cached);
        var shared = await RunAsync(fixture, job: Of(1), change: step => step with { Stream = false, Cache = new LlmCachePolicy(60, Shared: true) });
        var again = await RunAsync(fixture, job: Of(2), change: step => step with { Stream = false, Cache = new LlmCachePolicy(60, Shared: true) });

        Assert.Equal(["for Ann", "for Bob", "for all", "for all"], new[] { ann, bob, shared, again }.Select(result => result.Output.GetProperty("content").GetString()));
    }

    [Fact]
    public async Task Execute_ReplyThatTheStepCannotUse_IsNotKept()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("no json"), Answer("[1]")));
        LlmStepDefinition Json(LlmStepDefinition step) => Cached(step) with { ResponseFormat = ResponseFormat.Json };

        var bad = await RunAsync(fixture, change: Json);
        var good = await RunAsync(fixture, job: fixture.Job with { JobId = Guid.CreateVersion7() }, change: Json);

        Assert.Equal(ErrorTypes.InvalidOutput, bad.Error!.Type);
        Assert.False(good.Output.GetProperty("cached").GetBoolean());
    }

    // "You know Berlin." and "List contacts in Berlin." with 8 tokens each around them, and 4,096 output tokens.
    private const decimal BareWorstUsd = ((16 + 8 + 24 + 8) * 1m / 1_000_000) + (4096 * 5m / 1_000_000);

    private readonly record struct StepResultKind(bool IsParked, string? Error);

    private static LlmStepDefinition Whole(LlmStepDefinition step) => step with { Stream = false };

    private static LlmStepDefinition Cached(LlmStepDefinition step) => step with { Stream = false, Cache = new LlmCachePolicy(60, Shared: false) };

    private static GateAnswer Wait(TimeSpan time, GateWaitReason reason) => new(null, new GateWait(TimeProvider.System.GetUtcNow() + time, reason), null);
}
