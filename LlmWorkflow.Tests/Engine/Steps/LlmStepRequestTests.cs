using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Steps;
using LlmWorkflow.Tests.Engine.Providers;
using static LlmWorkflow.Tests.Engine.Steps.LlmStepRun;

namespace LlmWorkflow.Tests.Engine.Steps;

/// <summary>What of a definition goes over the wire.</summary>
public sealed class LlmStepRequestTests
{
    [Fact]
    public async Task Execute_Messages_StandBetweenSystemPromptAndPromptAndAreRendered()
    {
        await using var fixture = await LlmFixture.StartAsync(Answer("Hi"));

        await AskAsync(fixture, step => step with
        {
            Messages = [new("user", "I live in {{town}}."), new("assistant", "In ${input.city}!"), new("system", "Be kind.")],
        });

        var request = Assert.Single(Requests(fixture));
        Assert.Equal(["system", "user", "assistant", "system", "user"], Roles(request));
        Assert.Equal(
            ["You know Berlin.", "I live in Berlin.", "In Berlin!", "Be kind.", "List contacts in Berlin."],
            Enumerable.Range(0, 5).Select(i => Content(request, i)));
    }

    [Fact]
    public async Task Execute_MessagesAlone_AreEnough()
    {
        await using var fixture = await LlmFixture.StartAsync(Answer("Hi"));

        await AskAsync(fixture, step => step with { SystemPrompt = null, PromptTemplate = null, Messages = [new("user", "Hello")] });

        Assert.Equal(["user"], Roles(Assert.Single(Requests(fixture))));
    }

    [Fact]
    public async Task Execute_JsonFormat_IsSentAsJsonObject()
    {
        await using var fixture = await LlmFixture.StartAsync(Answer("{}"));

        await AskAsync(fixture, step => step with { ResponseFormat = ResponseFormat.Json });

        Assert.Equal("""{"type":"json_object"}""", Assert.Single(Requests(fixture)).GetProperty("response_format").GetRawText());
    }

    [Theory]
    [InlineData("""{"title":"A list, of contacts","type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}""", "A_list__of_contacts", true)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","minLength":2}}}""", "reply", false)]
    public async Task Execute_Schema_IsSentWithNameAndStrictWhereItFits(string schema, string name, bool strict)
    {
        await using var fixture = await LlmFixture.StartAsync(Answer("""{"a":"xy"}"""));

        await AskAsync(fixture, step => step with { ResponseFormat = new(ResponseKind.JsonSchema, JsonElement.Parse(schema)) });

        var format = Assert.Single(Requests(fixture)).GetProperty("response_format");
        Assert.Equal("json_schema", format.GetProperty("type").GetString());
        Assert.Equal(name, format.GetProperty("json_schema").GetProperty("name").GetString());
        Assert.Equal(schema, format.GetProperty("json_schema").GetProperty("schema").GetRawText());
        Assert.Equal(strict, format.GetProperty("json_schema").TryGetProperty("strict", out var asked) && asked.GetBoolean());
    }

    [Fact]
    public async Task Execute_ProviderOptions_AreMergedIntoTheBody()
    {
        await using var fixture = await LlmFixture.StartAsync(Answer("Hi"));

        await AskAsync(fixture, step => step with
        {
            ProviderOptions = JsonElement.Parse("""{"provider":{"order":["Anthropic"],"allow_fallbacks":false},"top_k":5,"user":"${input.city}","reasoning":null}"""),
        });

        var request = Assert.Single(Requests(fixture));
        Assert.Equal("""{"order":["Anthropic"],"allow_fallbacks":false}""", request.GetProperty("provider").GetRawText());
        Assert.Equal(5, request.GetProperty("top_k").GetInt32());
        Assert.Equal("Berlin", request.GetProperty("user").GetString());
        Assert.Equal(JsonValueKind.Null, request.GetProperty("reasoning").ValueKind);
        Assert.Equal(LlmFixture.Model, request.GetProperty("model").GetString());
        Assert.DoesNotContain(request.EnumerateObject(), member => member.Name.Contains("llmworkflow", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("model")]
    [InlineData("messages")]
    [InlineData("stream")]
    [InlineData("max_tokens")]
    [InlineData("Temperature")]
    [InlineData("n")]
    public async Task Execute_ProviderOptionThatTheStepOwns_FailsWithoutCall(string name)
    {
        await using var fixture = await LlmFixture.StartAsync(Answer("Hi"));

        var result = await AskAsync(fixture, step => step with { ProviderOptions = JsonElement.Parse($$"""{"top_k":5,"{{name}}":1}""") });

        Assert.Equal((ErrorTypes.InvalidDefinition, ErrorCategory.Config, false), (result.Error!.Type, result.Error.Category, result.Error.Retryable));
        Assert.Contains($"'{name}'", result.Error.Message, StringComparison.Ordinal);
        Assert.Empty(fixture.Upstream.Received);
        Assert.Empty(fixture.Ledger.Reservations);
    }

    [Fact]
    public async Task Execute_FormatOrOptionsChanged_AreAnotherRequest()
    {
        await using var fixture = await LlmFixture.StartAsync(Answer("{}"));

        await AskAsync(fixture, step => step);
        await AskAsync(fixture, step => step with { ResponseFormat = ResponseFormat.Json });
        await AskAsync(fixture, step => step with { ProviderOptions = JsonElement.Parse("""{"top_k":5}""") });
        await AskAsync(fixture, step => step with { ProviderOptions = JsonElement.Parse("""{"top_k":5}""") });

        Assert.Equal(3, fixture.Upstream.Received.Count);
        Assert.Equal(3, fixture.Ledger.Reservations.Select(reservation => reservation.RequestHash).Distinct().Count());
    }

    private static Task<StepResult> AskAsync(LlmFixture fixture, Func<LlmStepDefinition, LlmStepDefinition> change) =>
        RunAsync(fixture, change: step => change(step) with { Stream = false });
}
