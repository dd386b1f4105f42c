using System.Net;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;
using JobEvent = LlmWorkflow.Engine.Jobs.JobEvent;

namespace LlmWorkflow.Tests.Api;

public sealed class JobEventEndpointTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Stream_WholeRun_GivesEventsAndTextInOrder()
    {
        using var limit = new CancellationTokenSource(Limit);
        var (id, claimed) = await StartAsync();
        await using var events = api.Client.StreamAsync(id, cancellationToken: limit.Token).GetAsyncEnumerator();
        Assert.Equal(("job.queued", 1), await NextAsync(events));
        Assert.Equal(("job.started", 2), await NextAsync(events));
        await SaveAsync(claimed, claimed.EventSequence, "step.started");
        Assert.Equal("step.started", (await NextAsync(events)).Type);

        api.Bus.PublishDelta(id, new("s", 0, "Hello, "));
        Assert.Equal("llm.delta", (await NextAsync(events)).Type);
        Assert.Equal("Hello, ", events.Current.Text);
        api.Bus.PublishDelta(id, new("s", 0, "wor"));
        api.Bus.PublishDelta(id, new("s", 0, "ld 😀"));
        await api.Bus.FlushAsync(id);
        await SaveAsync(claimed, claimed.EventSequence + 1, "step.completed");
        var text = "";
        while ((await NextAsync(events)).Type == "llm.delta")
        {
            text += events.Current.Text;
        }

        Assert.Equal("world 😀", text);
        Assert.Equal(("step.completed", claimed.EventSequence + 2), (events.Current.Type, events.Current.Sequence));
        await EndAsync(claimed, claimed.EventSequence + 2);
        Assert.Equal(("job.completed", claimed.EventSequence + 3), await NextAsync(events));
        Assert.False(await events.MoveNextAsync());
    }

    [Fact]
    public async Task Stream_JoinsInMidStream_GetsSnapshotThenPieces()
    {
        using var limit = new CancellationTokenSource(Limit);
        var (id, claimed) = await StartAsync();
        await SaveAsync(claimed, claimed.EventSequence, "step.started");
        api.Bus.PublishDelta(id, new("s", 0, "so far"));
        await Eventually(async () => (await api.Bus.ReadLiveAsync(id, null)).Count > 0);

        await using var events = api.Client.StreamAsync(id, claimed.EventSequence + 1, limit.Token).GetAsyncEnumerator();

        Assert.Equal("llm.snapshot", (await NextAsync(events)).Type);
        Assert.Equal("so far", events.Current.Text);
        api.Bus.PublishDelta(id, new("s", 1, "again"));
        Assert.Equal("llm.reset", (await NextAsync(events)).Type);
        Assert.Equal("llm.delta", (await NextAsync(events)).Type);
        Assert.Equal("again", events.Current.Text);
    }

    [Fact]
    public async Task Stream_Resumes_AfterTheGivenEvent()
    {
        using var limit = new CancellationTokenSource(Limit);
        var (id, claimed) = await StartAsync();
        await SaveAsync(claimed, claimed.EventSequence, "step.started");
        await EndAsync(claimed, claimed.EventSequence + 1);

        var (_, whole) = await RawAsync($"api/v1/jobs/{id}/events");
        var (_, byHeader) = await RawAsync($"api/v1/jobs/{id}/events", ("Last-Event-ID", "2"));
        var (_, byQuery) = await RawAsync($"api/v1/jobs/{id}/events?last_event_id=1");
        var (done, nothing) = await RawAsync($"api/v1/jobs/{id}/events", ("Last-Event-ID", $"{claimed.EventSequence + 2}"));

        Assert.StartsWith("retry: 2000\n\nid: 1\nevent: job.queued\ndata: {\"job_id\":", whole, StringComparison.Ordinal);
        Assert.DoesNotContain("id: 2\n", byHeader, StringComparison.Ordinal);
        Assert.Contains($"id: {claimed.EventSequence + 2}\nevent: job.completed\n", byHeader, StringComparison.Ordinal);
        Assert.DoesNotContain("id: 1\n", byQuery, StringComparison.Ordinal);
        Assert.Contains("id: 2\n", byQuery, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, done);
        Assert.Empty(nothing);
    }

    [Fact]
    public async Task Stream_WithoutNudge_IsFoundByPolling()
    {
        using var limit = new CancellationTokenSource(Limit);
        var (id, claimed) = await StartAsync();
        await using var events = api.Client.StreamAsync(id, cancellationToken: limit.Token).GetAsyncEnumerator();
        await NextAsync(events);
        await NextAsync(events);

        await api.Engine.Jobs.ApplyAsync(
            JobTransition.Completed(claimed.Job, claimed.EventSequence, new("job.completed", "{}"), JsonElement.Parse("1"), default, 1, null), limit.Token);

        Assert.Equal("job.completed", (await NextAsync(events)).Type);
    }

    [Fact]
    public async Task Wait_JobEnds_GivesItsStatus()
    {
        using var limit = new CancellationTokenSource(Limit);
        var (id, claimed) = await StartAsync();
        var waiting = api.Client.WaitAsync(id, cancellationToken: limit.Token);

        await EndAsync(claimed, claimed.EventSequence);

        Assert.Equal("completed", (await waiting).Status);
    }

    [Fact]
    public async Task Stream_AccessToken_IsEnough()
    {
        var submitted = await api.Client.SubmitAsync(Sample);
        await api.Client.CancelAsync(submitted.JobId);

        using var response = await api.Http.GetAsync(new Uri($"api/v1/jobs/{submitted.JobId}/events?access_token={submitted.AccessToken}", UriKind.Relative));

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains("job.cancelled", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_UnknownJob_Is404() => Assert.Equal(HttpStatusCode.NotFound, (await RawAsync($"api/v1/jobs/{Guid.NewGuid()}/events")).Status);

    private static SubmitRequest Sample => new() { WorkflowName = "emergency_contacts", InputData = JsonElement.Parse(ApiFixture.Input) };

    private static async Task<(string Type, long? Sequence)> NextAsync(IAsyncEnumerator<LlmWorkflow.Client.Contracts.JobEvent> events)
    {
        Assert.True(await events.MoveNextAsync());
        return (events.Current.Type, events.Current.Sequence);
    }

    private static async Task Eventually(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, limit.Token);
        }
    }

    private async Task<(Guid Id, ClaimedJob Claimed)> StartAsync()
    {
        var submitted = await api.Client.SubmitAsync(Sample);
        var worker = await api.Engine.NewWorkerAsync();
        return (submitted.JobId, Assert.Single(await api.Engine.Leases.ClaimAsync(worker.Id, [submitted.JobId], CancellationToken.None)));
    }

    private async Task SaveAsync(ClaimedJob claimed, long sequence, string type)
    {
        var saved = await api.Engine.Checkpoints.SaveAsync(
            new() { Fence = claimed.Job.Fence, EventSequence = sequence, Events = [new JobEvent(type, """{"step_id":"s","step_path":"s","display_name":"S"}""")], Progress = 10 },
            CancellationToken.None);
        Assert.True(saved.Owned);
        api.Bus.Nudge(claimed.Job.Fence.JobId);
    }

    private async Task EndAsync(ClaimedJob claimed, long sequence)
    {
        Assert.NotNull(await api.Engine.Jobs.ApplyAsync(
            JobTransition.Completed(claimed.Job, sequence, new("job.completed", "{}"), JsonElement.Parse("1"), default, 1, null), CancellationToken.None));
        api.Bus.Nudge(claimed.Job.Fence.JobId);
    }

    private async Task<(HttpStatusCode Status, string Text)> RawAsync(string path, params (string Name, string Value)[] headers)
    {
        using var message = new HttpRequestMessage(HttpMethod.Get, path);
        message.Headers.Add("X-API-Key", "dev-key");
        foreach (var (name, value) in headers)
        {
            message.Headers.Add(name, value);
        }

        using var limit = new CancellationTokenSource(Limit);
        using var response = await api.Http.SendAsync(message, limit.Token);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(limit.Token));
    }
}
