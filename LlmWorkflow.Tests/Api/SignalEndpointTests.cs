using System.Net;
using System.Text.Json;
using LlmWorkflow.Client;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Tests.Api;

public sealed class SignalEndpointTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Signal_WaitingJob_IsQueuedAndItsStatusSaidWhatItWaitedFor()
    {
        var claim = await NewClaimAsync();
        await api.Engine.Jobs.ApplyAsync(
            JobTransition.Waiting(claim.Job, claim.EventSequence, new("job.waiting", "{}"), [new()
            {
                StepPath = "each/3/ask", StepId = "ask", DisplayName = "Ask", Reason = WaitReason.Signal, Signal = "ok_3", Message = "Publish?", Until = DateTimeOffset.Parse("2100-01-01T00:00:00Z", null),
            }]),
            CancellationToken.None);
        var id = claim.Job.Identity.JobId;
        var wait = Assert.Single((await api.Client.GetStatusAsync(id)).WaitingFor!);
        Assert.Equal(("ask", "each/3/ask", "Ask", "ok_3", "Publish?", 2100), (wait.StepId, wait.StepPath, wait.DisplayName, wait.Signal, wait.Message, wait.Until!.Value.Year));

        var sent = await api.Client.SignalAsync(id, "ok_3", JsonElement.Parse("""{"yes":true}"""));

        Assert.Equal(("queued", false, id), (sent.Status, sent.Repeated, sent.JobId));
        Assert.Null((await api.Client.GetStatusAsync(id)).WaitingFor);
        Assert.True((await api.Client.SignalAsync(id, "ok_3", JsonElement.Parse("""{ "yes": true }"""))).Repeated);
        var conflict = await Assert.ThrowsAsync<WorkflowApiException>(() => api.Client.SignalAsync(id, "ok_3", JsonElement.Parse("2")));
        Assert.Equal((HttpStatusCode.Conflict, "SignalConflict"), (conflict.Status, conflict.Problem?.Error.Type));
    }

    [Fact]
    public async Task Signal_WithoutBody_CountsAsNull()
    {
        var id = (await NewClaimAsync()).Job.Identity.JobId;

        Assert.Equal("processing", (await api.Client.SignalAsync(id, "go")).Status);
        Assert.True((await api.Client.SignalAsync(id, "go", JsonElement.Parse("null"))).Repeated);
    }

    [Theory]
    [InlineData("a b", "1", HttpStatusCode.BadRequest, "InvalidRequest")]
    [InlineData("ok", "{", HttpStatusCode.BadRequest, "InvalidRequest")]
    [InlineData("ok", "\"\\u0000\"", HttpStatusCode.BadRequest, "InvalidRequest")]
    public async Task Signal_Malformed_Is400(string name, string body, HttpStatusCode status, string type)
    {
        var id = (await NewClaimAsync()).Job.Identity.JobId;

        var (response, problem) = await api.SendAsync(HttpMethod.Post, $"api/v1/jobs/{id}/signals/{Uri.EscapeDataString(name)}", body, ("X-API-Key", "dev-key"));

        Assert.Equal((status, type), (response.StatusCode, problem.GetProperty("error").GetProperty("type").GetString()));
    }

    [Fact]
    public async Task Signal_LargePayload_Is413()
    {
        var id = (await NewClaimAsync()).Job.Identity.JobId;

        var refused = await Assert.ThrowsAsync<WorkflowApiException>(() => api.Client.SignalAsync(id, "ok", JsonElement.Parse($"\"{new string('x', 70_000)}\"")));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.Status);
    }

    [Fact]
    public async Task Signal_UnknownOrAnotherUsersOrEndedJob_IsRefused()
    {
        var claim = await NewClaimAsync();
        var id = claim.Job.Identity.JobId;

        Assert.Equal(HttpStatusCode.NotFound, (await Assert.ThrowsAsync<WorkflowApiException>(() => api.Client.SignalAsync(Guid.NewGuid(), "ok"))).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await Assert.ThrowsAsync<WorkflowApiException>(() => api.Client.SignalAsync(id, "ok", userId: Guid.NewGuid()))).Status);
        await api.Engine.Jobs.ApplyAsync(
            JobTransition.Completed(claim.Job, claim.EventSequence, new("job.completed", "{}"), JsonElement.Parse("1"), default, 1, null), CancellationToken.None);
        var ended = await Assert.ThrowsAsync<WorkflowApiException>(() => api.Client.SignalAsync(id, "ok"));
        Assert.Equal((HttpStatusCode.Conflict, "JobEnded"), (ended.Status, ended.Problem?.Error.Type));
    }

    private async Task<ClaimedJob> NewClaimAsync()
    {
        var submitted = await api.Client.SubmitAsync(new() { WorkflowName = "emergency_contacts", InputData = JsonElement.Parse(ApiFixture.Input) });
        var worker = await api.Engine.NewWorkerAsync();
        return Assert.Single(await api.Engine.Leases.ClaimAsync(worker.Id, [submitted.JobId], CancellationToken.None));
    }
}
