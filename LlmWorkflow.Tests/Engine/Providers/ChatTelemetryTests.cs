using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Tests.Support;
using static LlmWorkflow.Tests.Engine.Providers.LlmFixture;

namespace LlmWorkflow.Tests.Engine.Providers;

public sealed class ChatTelemetryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Call_WithListener_MakesOneSpanByTheConventions(bool capture)
    {
        using var spans = new Spans();
        await using var fixture = await StartAsync(FakeUpstream.Sse(Chunk("Hi"), StopChunk, UsageChunk, "[DONE]"), options => options.CaptureMessageContent = capture);
        var model = $"test/{Guid.NewGuid()}";

        await fixture.Caller.CallAsync(await fixture.RequestAsync("Hello sk-0123456789abcdef", model: model), CancellationToken.None);

        var span = Assert.Single(spans.Stopped, span => span.DisplayName == $"chat {model}");
        Assert.Equal(ActivityKind.Client, span.Kind);
        Assert.Equal("chat", span.GetTagItem("gen_ai.operation.name"));
        Assert.Equal("openrouter", span.GetTagItem("gen_ai.provider.name"));
        Assert.Equal("anthropic/claude-haiku-4.5-20251001", span.GetTagItem("gen_ai.response.model"));
        Assert.Equal("gen-1", span.GetTagItem("gen_ai.response.id"));
        Assert.Equal(["stop"], Assert.IsType<string[]>(span.GetTagItem("gen_ai.response.finish_reasons")));
        Assert.Equal(120L, span.GetTagItem("gen_ai.usage.input_tokens"));
        Assert.Equal(100L, span.GetTagItem("gen_ai.usage.cache_read.input_tokens"));
        Assert.Equal(9L, span.GetTagItem("gen_ai.usage.reasoning.output_tokens"));
        Assert.Equal(0.00027, span.GetTagItem("llmworkflow.cost.usd"));
        Assert.Equal("reported", span.GetTagItem("llmworkflow.cost.source"));
        Assert.Equal(capture ? """[{"type":"text","content":"Be brief."}]""" : null, span.GetTagItem("gen_ai.system_instructions"));
        Assert.Equal(
            capture ? """[{"role":"user","parts":[{"type":"text","content":"Hello [REDACTED]"}]}]""" : null, span.GetTagItem("gen_ai.input.messages"));
        Assert.Equal(
            capture ? """[{"role":"assistant","parts":[{"type":"text","content":"Hi"}],"finish_reason":"stop"}]""" : null,
            span.GetTagItem("gen_ai.output.messages"));
    }

    [Fact]
    public async Task Call_Failed_MarksSpanAndDuration()
    {
        using var spans = new Spans();
        var durations = new ConcurrentQueue<string>();
        var model = $"test/{Guid.NewGuid()}";
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == EngineTelemetry.Name && instrument.Name == "gen_ai.client.operation.duration")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        meters.SetMeasurementEventCallback<double>((_, _, tags, _) =>
            durations.Enqueue(string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))));
        meters.Start();
        await using var fixture = await StartAsync(FakeUpstream.Json("{}", 429));

        await fixture.Caller.CallAsync(await fixture.RequestAsync(model: model), CancellationToken.None);

        var span = Assert.Single(spans.Stopped, span => span.DisplayName == $"chat {model}");
        Assert.Equal(ActivityStatusCode.Error, span.Status);
        Assert.Equal(ErrorTypes.RateLimited, span.GetTagItem("error.type"));
        Assert.Contains(durations, tags => tags.Contains($"gen_ai.request.model={model}") && tags.Contains("error.type=RateLimited"));
    }

    private sealed class Spans : IDisposable
    {
        private readonly ActivityListener _listener;

        public Spans()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == EngineTelemetry.Name,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = Stopped.Enqueue,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public ConcurrentQueue<Activity> Stopped { get; } = new();

        public void Dispose() => _listener.Dispose();
    }
}
