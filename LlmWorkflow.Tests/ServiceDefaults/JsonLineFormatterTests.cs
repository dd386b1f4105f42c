using System.Diagnostics;
using System.Text.Json;
using LlmWorkflow.ServiceDefaults.Logging;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Tests.ServiceDefaults;

public sealed class JsonLineFormatterTests
{
    [Fact]
    public void Write_MessageAndScopes_AreTopLevelFieldsInSnakeCase()
    {
        var scopes = new LoggerExternalScopeProvider();
        using var outer = scopes.Push(new Dictionary<string, object?> { ["JobId"] = Guid.Empty, ["Attempt"] = 1, ["level"] = "forged" });
        using var inner = scopes.Push(new Dictionary<string, object?> { ["Attempt"] = 2, ["step_id"] = "fetch" });
        using var unnamed = scopes.Push("just text");

        using var line = Write(scopes, null, ("DurationMs", 12.5), ("Note", "say \"hi\"\nthen é"), ("{OriginalFormat}", "x"));

        var root = line.RootElement;
        Assert.Equal("warning", root.GetProperty("level").GetString());
        Assert.Equal("test.category", root.GetProperty("category").GetString());
        Assert.Equal(7, root.GetProperty("event_id").GetInt32());
        Assert.Equal("Happened", root.GetProperty("event").GetString());
        Assert.Equal("it happened", root.GetProperty("message").GetString());
        Assert.Equal(Guid.Empty, root.GetProperty("job_id").GetGuid());
        Assert.Equal(2, root.GetProperty("attempt").GetInt32());
        Assert.Equal("fetch", root.GetProperty("step_id").GetString());
        Assert.Equal(12.5, root.GetProperty("duration_ms").GetDouble());
        Assert.Equal("say \"hi\"\nthen é", root.GetProperty("note").GetString());
        Assert.True(root.GetProperty("timestamp").GetDateTimeOffset() > DateTimeOffset.UnixEpoch);
        Assert.Equal(root.EnumerateObject().Count(), root.EnumerateObject().Select(field => field.Name).Distinct().Count());
    }

    [Fact]
    public void Write_InsideAnActivity_HasTraceAndSpan()
    {
        using var activity = new Activity("work").SetIdFormat(ActivityIdFormat.W3C).Start();

        using var line = Write(new LoggerExternalScopeProvider(), null, ("TraceId", "forged"));

        Assert.Equal(activity.TraceId.ToHexString(), line.RootElement.GetProperty("trace_id").GetString());
        Assert.Equal(activity.SpanId.ToHexString(), line.RootElement.GetProperty("span_id").GetString());
    }

    [Fact]
    public void Write_AwkwardValues_StaysValidJson()
    {
        using var line = Write(
            new LoggerExternalScopeProvider(),
            new InvalidOperationException("broken \uD800 text"),
            ("nan", double.NaN),
            ("lone", "a\uDC00b"),
            ("list", new[] { "one", "two" }),
            ("nothing", null),
            ("big", ulong.MaxValue),
            ("money", 0.000000000001m),
            ("when", DateTimeOffset.UnixEpoch),
            ("enum", LogLevel.Error));

        var root = line.RootElement;
        Assert.Equal("NaN", root.GetProperty("nan").GetString());
        Assert.Equal("a\uFFFDb", root.GetProperty("lone").GetString());
        Assert.Equal(["one", "two"], root.GetProperty("list").EnumerateArray().Select(item => item.GetString()));
        Assert.Equal(JsonValueKind.Null, root.GetProperty("nothing").ValueKind);
        Assert.Equal(ulong.MaxValue, root.GetProperty("big").GetUInt64());
        Assert.Equal(0.000000000001m, root.GetProperty("money").GetDecimal());
        Assert.Equal("Error", root.GetProperty("enum").GetString());
        Assert.Equal("System.InvalidOperationException", root.GetProperty("exception_type").GetString());
        Assert.StartsWith("System.InvalidOperationException: broken", root.GetProperty("exception").GetString());
    }

    [Theory]
    [InlineData("JobId", "job_id")]
    [InlineData("job_id", "job_id")]
    [InlineData("HTTPStatusCode", "http_status_code")]
    [InlineData("gen_ai.usage.input_tokens", "gen_ai_usage_input_tokens")]
    [InlineData("Step2Id", "step2_id")]
    [InlineData("URL", "url")]
    [InlineData("@Object", "object")]
    public void SnakeCase_Name_IsTranslated(string name, string expected) => Assert.Equal(expected, LogFields.SnakeCase(name));

    private static JsonDocument Write(IExternalScopeProvider scopes, Exception? exception, params (string Name, object? Value)[] values)
    {
        var state = values.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)).ToList();
        var entry = new LogEntry<List<KeyValuePair<string, object?>>>(
            LogLevel.Warning, "test.category", new EventId(7, "Happened"), state, exception, (_, _) => "it happened");
        using var text = new StringWriter { NewLine = "\n" };
        new JsonLineFormatter(TimeProvider.System).Write(entry, scopes, text);
        var line = text.ToString();
        Assert.Equal(line.Length - 1, line.IndexOf('\n'));
        return JsonDocument.Parse(line);
    }
}
