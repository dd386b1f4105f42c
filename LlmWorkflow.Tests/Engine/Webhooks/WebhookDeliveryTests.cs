using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Webhooks;
using Microsoft.AspNetCore.Http;

namespace LlmWorkflow.Tests.Engine.Webhooks;

/// <summary>What a receiver sees of one delivery.</summary>
public sealed class WebhookDeliveryTests : IAsyncLifetime
{
    private WebhookBench bench = null!;
    private Receiver receiver = null!;

    public async Task InitializeAsync()
    {
        bench = await WebhookBench.StartAsync();
        receiver = await Receiver.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await bench.DisposeAsync();
        await receiver.DisposeAsync();
    }

    [Fact]
    public async Task RunOnce_Due_SendsTheExactBodySigned()
    {
        const string Payload = """{"event":"workflow.completed","text":"é😀"}""";
        const string Secret = "s3cret-of-the-job";
        receiver.Answer = Receiver.Always(202, "thanks");
        bench.Options.WebhookSecret = "of the setting";
        var id = await bench.AddAsync(receiver.Url, payload: Payload, secret: bench.Secrets.Seal(Secret));
        bench.Run();

        var request = await receiver.NextAsync();
        await bench.UntilStateAsync(id, "delivered");

        Assert.Equal(Payload, Encoding.UTF8.GetString(request.Body));
        Assert.Equal("application/json", request.Headers["Content-Type"]);
        Assert.Equal(id.ToString(), request.Id);
        Assert.Equal("workflow.completed", request.Headers["X-Webhook-Event"]);
        var key = Encoding.UTF8.GetBytes(Secret);
        Assert.Equal("sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(key, request.Body)), request.Headers["X-Webhook-Signature"]);
        var signed = Encoding.UTF8.GetBytes($"{id}.{request.Headers["webhook-timestamp"]}.{Payload}");
        Assert.Equal("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed)), request.Headers["webhook-signature"]);
        var row = Assert.Single(await bench.QueryAsync("select attempt, status_code, response_body, error, next_retry_at from llm_webhook_attempts"));
        Assert.Equal(["1", "202", "thanks", null, null], row);
    }

    [Fact]
    public async Task RunOnce_NoSecretOfItsOwn_SettingSigns()
    {
        bench.Options.WebhookSecret = "of the setting";
        await bench.AddAsync(receiver.Url);
        bench.Run();

        var request = await receiver.NextAsync();

        Assert.Equal(WebhookSigner.BodySignature("of the setting", request.Body), request.Headers["X-Webhook-Signature"]);
    }

    [Fact]
    public async Task RunOnce_AlwaysFails_DeadAfterFourAttempts()
    {
        receiver.Answer = Receiver.Always(500, "broken");
        var id = await bench.AddAsync(receiver.Url);
        bench.Run();

        await bench.UntilStateAsync(id, "dead");

        Assert.Equal(4, receiver.Count);
        Assert.Equal([id.ToString()], (await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => receiver.NextAsync()))).Select(r => r.Id).Distinct());
        var rows = await bench.QueryAsync(
            "select attempt, status_code, response_body, error, next_retry_at is null from llm_webhook_attempts order by attempt");
        Assert.Equal(4, rows.Count);
        Assert.All(rows, (row, i) => Assert.Equal([$"{i + 1}", "500", "broken", "Answered 500.", i == 3 ? "True" : "False"], row));
    }

    [Fact]
    public async Task RunOnce_DefaultDelays_RetriesAfter5And15And45Seconds()
    {
        bench.Options.WebhookRetryDelays = new LlmWorkflow.Engine.EngineOptions().WebhookRetryDelays;
        receiver.Answer = Receiver.Always(500);
        var id = await bench.AddAsync(receiver.Url);
        bench.Run();

        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await bench.UntilAsync("1", "select count(*) from llm_webhook_attempts where attempt = $1", attempt);
            await bench.QueryAsync("update llm_webhook_deliveries set next_attempt_at = now()");
        }

        await bench.UntilStateAsync(id, "dead");
        var waits = await bench.QueryAsync(
            "select extract(epoch from next_retry_at - started_at)::float from llm_webhook_attempts where attempt < 4 order by attempt");
        Assert.All(waits.Zip([5, 15, 45]), w => Assert.InRange(double.Parse(w.First[0]!, CultureInfo.CurrentCulture), w.Second, w.Second + 9.5));
    }

    [Theory]
    [InlineData("429", "600", 600)]
    [InlineData("503", "999999", 3600)]
    public async Task RunOnce_RetryAfter_IsHonoured(string status, string after, int seconds)
    {
        receiver.Answer = (_, context) =>
        {
            context.Response.StatusCode = int.Parse(status);
            context.Response.Headers.RetryAfter = after;
            return Task.CompletedTask;
        };
        await bench.AddAsync(receiver.Url);
        bench.Run();

        await bench.UntilAsync("1", "select count(*) from llm_webhook_attempts");

        var wait = await bench.ValueAsync("select extract(epoch from next_retry_at - started_at)::float from llm_webhook_attempts");
        Assert.InRange(double.Parse(wait!, CultureInfo.CurrentCulture), seconds, seconds + 60.0);
    }

    [Fact]
    public async Task RunOnce_410_Stops()
    {
        receiver.Answer = Receiver.Always(410);
        var id = await bench.AddAsync(receiver.Url);
        bench.Run();

        await bench.UntilStateAsync(id, "stopped");

        Assert.Equal(1, receiver.Count);
    }

    [Fact]
    public async Task RunOnce_Redirect_IsNotFollowed()
    {
        await using var elsewhere = await Receiver.StartAsync();
        receiver.Answer = (_, context) =>
        {
            context.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            context.Response.Headers.Location = elsewhere.Url;
            return Task.CompletedTask;
        };
        var id = await bench.AddAsync(receiver.Url);
        bench.Run();

        await bench.UntilStateAsync(id, "dead");

        Assert.Equal((4, 0), (receiver.Count, elsewhere.Count));
        Assert.Equal("Answered 307; redirects are not followed.", await bench.ValueAsync("select last_error from llm_webhook_deliveries"));
    }

    [Fact]
    public async Task RunOnce_NoAnswerInTime_IsAFailure()
    {
        bench.Options.WebhookTimeout = TimeSpan.FromMilliseconds(100);
        receiver.Answer = Receiver.Hang(Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System));
        var id = await bench.AddAsync(receiver.Url);
        bench.Run();

        await bench.UntilStateAsync(id, "dead");

        Assert.Equal("No answer within 0.1 s.", await bench.ValueAsync("select last_error from llm_webhook_deliveries"));
    }

    [Fact]
    public async Task RunOnce_LongAnswer_IsCutAt4KiBOfValidText()
    {
        receiver.Answer = Receiver.Always(200, "a\0" + new string('é', 50_000));
        var id = await bench.AddAsync(receiver.Url);
        bench.Run();

        await bench.UntilStateAsync(id, "delivered");

        // 4096 bytes hold a, NUL, 2047 é; the NUL is taken out.
        Assert.Equal("a" + new string('é', 2047), await bench.ValueAsync("select response_body from llm_webhook_attempts"));
    }

    [Fact]
    public async Task RunOnce_BodyNeverEnds_IsStillDelivered()
    {
        receiver.Answer = async (n, context) =>
        {
            await context.Response.WriteAsync("half");
            await context.Response.Body.FlushAsync();
            await Receiver.Hang(Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System))(n, context);
        };
        var id = await bench.AddAsync(receiver.Url);
        bench.Run();

        await bench.UntilStateAsync(id, "delivered");

        Assert.Equal("half", await bench.ValueAsync("select response_body from llm_webhook_attempts"));
    }

    [Fact]
    public async Task RunOnce_Traced_SpanContinuesTheJobsTrace()
    {
        var ended = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == EngineTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                lock (ended)
                {
                    ended.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        var job = Guid.CreateVersion7();
        var id = await bench.AddAsync(receiver.Url, job, trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        var delivery = bench.Run();
        await bench.UntilStateAsync(id, "delivered");
        await delivery.StopAsync(CancellationToken.None);

        var span = Assert.Single(ended, a => job.ToString().Equals(a.GetTagItem("llmworkflow.job.id")));
        Assert.Equal(span.Id, (await receiver.NextAsync()).Headers["traceparent"]);
        Assert.DoesNotContain(span.TagObjects, tag => $"{tag.Value}".Contains("/hook", StringComparison.Ordinal));
        Assert.Equal(("webhook deliver", ActivityKind.Client), (span.OperationName, span.Kind));
        Assert.Equal(("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"), (span.TraceId.ToString(), span.ParentSpanId.ToString()));
        Assert.Equal((1, 200), (span.GetTagItem("llmworkflow.attempt"), span.GetTagItem("http.response.status_code")));
        Assert.Equal("delivered", span.GetTagItem("llmworkflow.webhook.outcome"));
    }
}
