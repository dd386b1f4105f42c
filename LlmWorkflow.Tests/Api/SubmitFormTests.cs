using System.Text;
using LlmWorkflow.Api;
using LlmWorkflow.Api.Endpoints;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Submission;

namespace LlmWorkflow.Tests.Api;

public sealed class SubmitFormTests
{
    [Fact]
    public void Read_AllFields_AreTaken()
    {
        var job = Read("""
            {"workflow_name": "w", "input_data": {"a": [1]}, "user_id": "0192f0c1-2b7a-7c3e-9f44-5d2b8a1e6f00", "username": "u", "action": "a",
             "webhook_url": "https://example.com/x", "webhook_secret": "12345678", "webhook_events": ["workflow.failed", "workflow.failed"], "priority": 10,
             "run_at": "2027-01-02T03:04:05+02:00", "max_cost_usd": 0.25, "debug_mode": true, "tags": ["x", "ü"]}
            """, out _, key: "k 1");

        Assert.NotNull(job);
        Assert.Equal("w", job.WorkflowName);
        Assert.Equal("""{"a": [1]}""", job.Input.GetRawText());
        Assert.Equal(Guid.Parse("0192f0c1-2b7a-7c3e-9f44-5d2b8a1e6f00"), job.UserId);
        Assert.Equal(["workflow.failed"], job.WebhookEvents);
        Assert.Equal(10, job.Priority);
        Assert.Equal(new DateTimeOffset(2027, 1, 2, 1, 4, 5, TimeSpan.Zero), job.RunAt);
        Assert.Equal(0.25m, job.MaxCostUsd);
        Assert.True(job.DebugMode);
        Assert.Equal(["x", "ü"], job.Tags);
        Assert.Equal("k 1", job.IdempotencyKey);
    }

    [Fact]
    public void Read_OnlyName_HasDefaults()
    {
        var job = Read("""{"workflow_name": "w", "input_data": null, "tags": null, "priority": null}""", out _);

        Assert.NotNull(job);
        Assert.Equal("{}", job.Input.GetRawText());
        Assert.Equal(5, job.Priority);
        Assert.Empty(job.Tags);
        Assert.Null(job.IdempotencyKey);
    }

    [Fact]
    public void Read_TimeWithoutOffset_IsUtc() =>
        Assert.Equal(
            new DateTimeOffset(2027, 1, 2, 3, 4, 5, TimeSpan.Zero),
            Read("""{"workflow_name": "w", "run_at": "2027-01-02T03:04:05"}""", out _)?.RunAt);

    [Theory]
    [InlineData("""{}""", "/workflow_name", "is missing")]
    [InlineData("""{"workflow_name": ""}""", "/workflow_name", "1 to 255")]
    [InlineData("""{"workflow_name": 5}""", "/workflow_name", "must be a string, not a number")]
    [InlineData("""{"workflow_name": "w", "input_data": []}""", "/input_data", "must be an object, not an array")]
    [InlineData("""{"workflow_name": "w", "input_data": "{}"}""", "/input_data", "must be an object, not a string")]
    [InlineData("""{"workflow_name": "w", "user_id": "7"}""", "/user_id", "UUID")]
    [InlineData("""{"workflow_name": "w", "user_id": 7}""", "/user_id", "not a number")]
    [InlineData("""{"workflow_name": "w", "priority": 11}""", "/priority", "0 to 10")]
    [InlineData("""{"workflow_name": "w", "priority": -1}""", "/priority", "0 to 10")]
    [InlineData("""{"workflow_name": "w", "priority": 1.5}""", "/priority", "whole number")]
    [InlineData("""{"workflow_name": "w", "priority": "5"}""", "/priority", "not a string")]
    [InlineData("""{"workflow_name": "w", "max_cost_usd": 0}""", "/max_cost_usd", "above 0")]
    [InlineData("""{"workflow_name": "w", "max_cost_usd": 1e300}""", "/max_cost_usd", "at most")]
    [InlineData("""{"workflow_name": "w", "max_cost_usd": "1"}""", "/max_cost_usd", "not a string")]
    [InlineData("""{"workflow_name": "w", "run_at": "tomorrow"}""", "/run_at", "ISO 8601")]
    [InlineData("""{"workflow_name": "w", "run_at": 5}""", "/run_at", "not a number")]
    [InlineData("""{"workflow_name": "w", "debug_mode": 1}""", "/debug_mode", "true or false, not a number")]
    [InlineData("""{"workflow_name": "w", "tags": "a"}""", "/tags", "an array of strings, not a string")]
    [InlineData("""{"workflow_name": "w", "tags": ["a", 5]}""", "/tags/1", "must be a string")]
    [InlineData("""{"workflow_name": "w", "tags": [""]}""", "/tags/0", "1 to 100")]
    [InlineData("""{"workflow_name": "w", "tags": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]}""", "/tags", "at most 20 entries, not 21")]
    [InlineData("""{"workflow_name": "w", "webhook_secret": "short"}""", "/webhook_secret", "8 to 512")]
    [InlineData("""{"workflow_name": "w", "webhook_events": ["workflow.done"]}""", "/webhook_events/0", "workflow.completed")]
    [InlineData("""{"workflow_name": "w", "webhook_url": "ftp://example.com"}""", "/webhook_url", "http://")]
    [InlineData("""{"workflow_name": "w", "webhook_url": "example.com/hook"}""", "/webhook_url", "absolute")]
    [InlineData("""{"workflow_name": "w", "user_name": "x"}""", "/user_name", "did you mean 'username'?")]
    [InlineData("""{"workflow_name": "w", "zzzzzzzz/q~": 1}""", "/zzzzzzzz~1q~0", "the fields are")]
    [InlineData("""{"workflow_name": "w", "input_data": {"a": ["ok", "b\u0000"]}}""", "/input_data/a/1", "NUL")]
    [InlineData("""{"workflow_name": "w", "input_data": {"k": {"\u0000": 1}}}""", "/input_data/k", "NUL")]
    [InlineData("""{"workflow_name": "w", "username": "\ud800"}""", "/username", "surrogate")]
    [InlineData("""[1]""", "", "must be an object, not an array")]
    public void Read_WrongField_IsNamedWithWhatIsAllowed(string json, string pointer, string message)
    {
        Assert.Null(Read(json, out var issues));

        Assert.Contains(issues, i => i.Pointer == pointer && i.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_ManyFaults_AllAreListed()
    {
        Assert.Null(Read("""{"priority": "x", "tags": 5, "user_id": "u", "nonsense": 1, "max_cost_usd": -1}""", out var issues, key: "ä"));

        Assert.Equal(
            ["/max_cost_usd", "/nonsense", "/priority", "/tags", "/user_id", "/workflow_name", "Idempotency-Key"],
            issues.Select(i => i.Pointer ?? i.Parameter).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(255, true)]
    [InlineData(256, false)]
    public void Read_LongNames_AreCountedInCharacters(int length, bool accepted)
    {
        // Each is one character and two UTF-16 units.
        var name = string.Concat(Enumerable.Repeat("😀", length));

        Assert.Equal(accepted, Read($$"""{"workflow_name": "w", "username": "{{name}}"}""", out _) is not null);
    }

    [Fact]
    public void Read_EscapedBackslash_IsNoNul() =>
        Assert.NotNull(Read("""{"workflow_name": "w", "input_data": {"a": "\\u0000", "b": "\u00e9\ud83d\ude00"}}""", out _));

    [Theory]
    [InlineData("", "empty")]
    [InlineData("{\"a\": 1,\n  \"b\": x}", "line 2, column 8")]
    [InlineData("{\"a\": 1", "line 1")]
    [InlineData("{\"a\": 1, \"a\": 2}", "uplicate")]
    public void Parse_MalformedJson_SaysWhere(string text, string message)
    {
        var (_, _, error) = RequestBody.Parse(Encoding.UTF8.GetBytes(text));

        Assert.Contains(message, error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_TooDeep_NamesTheLimit()
    {
        Assert.Null(RequestBody.Parse(Encoding.UTF8.GetBytes(new string('[', 64) + new string(']', 64))).Error);
        Assert.Contains("deeper than 64", RequestBody.Parse(Encoding.UTF8.GetBytes(new string('[', 65) + new string(']', 65))).Error?.Message);
    }

    [Fact]
    public void Parse_BrokenUtf8_IsRefused() => Assert.Contains("UTF-8", RequestBody.Parse([(byte)'"', 0xC3, 0x28, (byte)'"']).Error?.Message);

    [Fact]
    public void Parse_ByteOrderMark_IsSkipped() => Assert.Null(RequestBody.Parse([0xEF, 0xBB, 0xBF, (byte)'{', (byte)'}']).Error);

    private static SubmitJob? Read(string json, out IReadOnlyList<ProblemIssue> issues, string? key = null)
    {
        var (body, hasEscapes, error) = RequestBody.Parse(Encoding.UTF8.GetBytes(json));
        Assert.Null(error);
        return SubmitForm.Read(body, hasEscapes, key, "scope", out issues);
    }
}
