using System.Net;
using System.Text.Json;
using LlmWorkflow.Client;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Tests.Api;

public sealed class JobEndpointTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Sample = $$$"""{"workflow_name": "emergency_contacts", "input_data": {{{ApiFixture.Input}}}}""";

    [Theory]
    [InlineData("api/v1/workflow")]
    [InlineData("api/v1/jobs")]
    public async Task Submit_GoodJob_IsStoredAndAnswered202(string path)
    {
        var (response, body) = await api.SendAsync(HttpMethod.Post, path, Sample, ("X-API-Key", "dev-key"));

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var id = body.GetProperty("job_id").GetGuid();
        Assert.Equal(id, body.GetProperty("celery_task_id").GetGuid());
        Assert.Equal("queued", body.GetProperty("status").GetString());
        Assert.Equal($"/api/v1/jobs/{id}", response.Headers.Location?.ToString());
        Assert.Equal($"/api/v1/jobs/{id}/events", body.GetProperty("events_url").GetString());
        Assert.True(body.TryGetProperty("estimated_wait_seconds", out _));
        Assert.Equal("queued", await api.Engine.ScalarAsync<string>("select status from llm_workflow_jobs where id = $1", id));
        // The trace goes on in the worker.
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$", await api.Engine.ScalarAsync<string>("select trace_parent from llm_workflow_jobs where id = $1", id));
    }

    [Fact]
    public async Task Submit_SameIdempotencyKey_GivesFirstAnswerOrConflict()
    {
        var (first, created) = await api.SubmitAsync(Sample, ("Idempotency-Key", "order 66"));
        var (second, repeated) = await api.SubmitAsync(Sample, ("Idempotency-Key", "order 66"));
        var (third, conflict) = await api.SubmitAsync(Sample.Replace("Austin", "Boston"), ("Idempotency-Key", "order 66"));
        var (fourth, other) = await api.SendAsync(HttpMethod.Post, "api/v1/jobs", Sample, ("X-API-Key", "dev-admin-key"), ("Idempotency-Key", "order 66"));

        Assert.Equal(HttpStatusCode.Accepted, first.StatusCode);
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Equal(created.GetProperty("job_id").GetGuid(), repeated.GetProperty("job_id").GetGuid());
        AssertProblem(third, conflict, HttpStatusCode.Conflict, "IdempotencyConflict");
        // Keys belong to the API key that sent them.
        Assert.Equal(HttpStatusCode.Accepted, fourth.StatusCode);
        Assert.NotEqual(created.GetProperty("job_id").GetGuid(), other.GetProperty("job_id").GetGuid());
    }

    [Theory]
    [InlineData("""{"workflow_name": "emergency_contact"}""", HttpStatusCode.NotFound, "UnknownWorkflow", "emergency_contacts")]
    [InlineData("""{"workflow_name": """, HttpStatusCode.BadRequest, "InvalidRequest", "line 1, column")]
    [InlineData("""{"workflow_name": "emergency_contacts", "priority": "high"}""", HttpStatusCode.BadRequest, "InvalidRequest", "/priority must be a whole number")]
    [InlineData("""{"workflow_name": "emergency_contacts", "input_data": {"city": 5}}""", HttpStatusCode.UnprocessableEntity, "InvalidInput", "input_schema")]
    [InlineData("""{"workflow_name": "emergency_contacts", "webhook_url": "nonsense"}""", HttpStatusCode.BadRequest, "InvalidRequest", "webhook_url")]
    [InlineData("""{"workflow_name": "emergency_contacts", "input_data": {"city": "\u0000"}}""", HttpStatusCode.BadRequest, "InvalidRequest", "/input_data/city")]
    [InlineData("""{"workflow_name": "emergency_contacts", "input_data": {"\ud800": 1}}""", HttpStatusCode.BadRequest, "InvalidRequest", "surrogate")]
    [InlineData("""{"workflow_name": "emergency_contacts", "input_data": {"city": "A", "state": "TX", "lat": 9999999999999999999999999999999999999999, "lng": 0}}""", HttpStatusCode.UnprocessableEntity, "InvalidInput", "input_schema")]
    public async Task Submit_BadInput_IsAProblemAndNothingIsStored(string body, HttpStatusCode status, string type, string detail)
    {
        var before = await api.CountJobsAsync();

        var (response, problem) = await api.SubmitAsync(body);

        AssertProblem(response, problem, status, type);
        Assert.Contains(detail, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, await api.CountJobsAsync());
    }

    [Fact]
    public async Task Submit_NumberThatTheSchemaCheckCannotTake_IsPointedAt()
    {
        var (response, problem) = await api.SubmitAsync(
            Sample.Replace("\"input_data\": {", $"\"input_data\": {{\"zz\": {{\"n/m\": [1, {new string('9', 400)}]}}, "));

        AssertProblem(response, problem, HttpStatusCode.UnprocessableEntity, "InvalidInput");
        Assert.Equal("/input_data/zz/n~1m/1", Assert.Single(problem.GetProperty("errors").EnumerateArray().ToList()).GetProperty("pointer").GetString());
    }

    [Fact]
    public async Task Submit_BlankIdempotencyKey_IsRefused()
    {
        var (response, problem) = await api.SubmitAsync(Sample, ("Idempotency-Key", " "));

        AssertProblem(response, problem, HttpStatusCode.BadRequest, "InvalidRequest");
    }

    [Fact]
    public async Task Submit_InputAgainstSchema_PointsIntoTheBody()
    {
        var (_, problem) = await api.SubmitAsync("""{"workflow_name": "emergency_contacts", "input_data": {"city": 5, "state": "TX", "lat": 99, "lng": 0}}""");

        var pointers = problem.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("pointer").GetString()).ToList();
        Assert.Contains("/input_data/city", pointers);
        Assert.Contains("/input_data/lat", pointers);
    }

    [Fact]
    public async Task Submit_OverOneMebibyte_Is413()
    {
        var before = await api.CountJobsAsync();
        var (response, problem) = await api.SubmitAsync($$$"""{"workflow_name": "emergency_contacts", "input_data": {"x": "{{{new string('x', 1024 * 1024)}}}"}}""");

        AssertProblem(response, problem, HttpStatusCode.RequestEntityTooLarge, "PayloadTooLarge");
        Assert.Equal(before, await api.CountJobsAsync());
    }

    [Fact]
    public async Task Submit_Form_Is415()
    {
        var (response, problem) = await api.SubmitAsync("a=b", ("Content-Type", "application/x-www-form-urlencoded"));

        AssertProblem(response, problem, HttpStatusCode.UnsupportedMediaType, "UnsupportedMediaType");
    }

    [Theory]
    [InlineData("X-API-Key", "dev-key", HttpStatusCode.NotFound)]
    [InlineData("X-API-Secret", "dev-key", HttpStatusCode.NotFound)]
    [InlineData("Authorization", "Bearer dev-key", HttpStatusCode.NotFound)]
    [InlineData("Authorization", "bearer dev-admin-key", HttpStatusCode.NotFound)]
    [InlineData("Authorization", "Basic dev-key", HttpStatusCode.Unauthorized)]
    [InlineData("X-API-Key", "dev-key2", HttpStatusCode.Unauthorized)]
    [InlineData("X-Other", "dev-key", HttpStatusCode.Unauthorized)]
    public async Task Key_InEachHeader_IsChecked(string header, string value, HttpStatusCode expected)
    {
        var (response, problem) = await api.SendAsync(HttpMethod.Get, $"api/v1/jobs/{Guid.NewGuid()}", null, (header, value));

        AssertProblem(response, problem, expected, expected is HttpStatusCode.NotFound ? "UnknownJob" : "Unauthorized");
    }

    [Fact]
    public async Task Token_OpensItsOwnJobForReadingOnly()
    {
        var (_, mine) = await api.SubmitAsync(Sample);
        var (_, other) = await api.SubmitAsync(Sample);
        var (id, token) = (mine.GetProperty("job_id").GetGuid(), mine.GetProperty("access_token").GetString());

        Assert.Equal(HttpStatusCode.OK, (await api.SendAsync(HttpMethod.Get, $"api/v1/status/{id}?access_token={token}")).Response.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.SendAsync(HttpMethod.Get, $"api/v1/status/{other.GetProperty("job_id").GetGuid()}?access_token={token}")).Response.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.SendAsync(HttpMethod.Delete, $"api/v1/workflow/{id}?access_token={token}")).Response.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.SendAsync(HttpMethod.Post, $"api/v1/jobs/{id}/cancel?access_token={token}")).Response.StatusCode);
    }

    [Fact]
    public async Task Status_OtherUser_Is404()
    {
        var user = Guid.NewGuid();
        var submitted = await api.Client.SubmitAsync(new() { WorkflowName = "emergency_contacts", InputData = JsonElement.Parse(ApiFixture.Input), UserId = user });

        Assert.Equal(user, (await api.Client.GetStatusAsync(submitted.JobId, user)).UserId);
        var error = await Assert.ThrowsAsync<WorkflowApiException>(() => api.Client.GetStatusAsync(submitted.JobId, Guid.NewGuid()));
        Assert.Equal("UnknownJob", error.Problem?.Error.Type);
    }

    [Theory]
    [InlineData("api/v1/jobs/7")]
    [InlineData("api/v1/status/x")]
    [InlineData("api/v1/jobs/0192f0c1-2b7a-7c3e-9f44-5d2b8a1e6f00?user_id=7")]
    [InlineData("api/v1/jobs/0192f0c1-2b7a-7c3e-9f44-5d2b8a1e6f00/events?last_event_id=x")]
    public async Task Status_MalformedId_Is400(string path)
    {
        var (response, problem) = await api.SendAsync(HttpMethod.Get, path, null, ("X-API-Key", "dev-key"));

        AssertProblem(response, problem, HttpStatusCode.BadRequest, "InvalidRequest");
    }

    [Fact]
    public async Task Status_CompletedJob_HasResultWithCosts()
    {
        var submitted = await api.Client.SubmitAsync(new() { WorkflowName = "emergency_contacts", InputData = JsonElement.Parse(ApiFixture.Input), Tags = ["t"] });
        var worker = await api.Engine.NewWorkerAsync();
        var claimed = Assert.Single(await api.Engine.Leases.ClaimAsync(worker.Id, [submitted.JobId], CancellationToken.None));
        await api.Engine.Jobs.ApplyAsync(
            JobTransition.Completed(
                claimed.Job, claimed.EventSequence, new("job.completed", "{}"), JsonElement.Parse("""{"contacts": [1], "cost_data": "the output's own"}"""),
                JsonElement.Parse("""{"cost_usd": 0.5}"""), 1234, null),
            CancellationToken.None);

        var status = await api.Client.GetStatusAsync(submitted.JobId);

        Assert.Equal("completed", status.Status);
        Assert.True(status.IsFinal);
        Assert.Equal(100, status.Progress);
        Assert.Equal(1234, status.Metadata.DurationMs);
        Assert.Equal(["t"], status.Tags);
        Assert.Equal("""{"contacts":[1],"cost_data":{"cost_usd":0.5}}""", JsonSerializer.Serialize(status.Result));
        Assert.Equal("the output's own", status.Output?.GetProperty("cost_data").GetString());
        Assert.Null(status.Error);
    }

    [Fact]
    public async Task Cancel_QueuedThenAgain_EndsItOnce()
    {
        var submitted = await api.Client.SubmitAsync(new() { WorkflowName = "emergency_contacts", InputData = JsonElement.Parse(ApiFixture.Input) });

        var first = await api.Client.CancelAsync(submitted.JobId);
        var (second, body) = await api.SendAsync(HttpMethod.Delete, $"api/v1/workflow/{submitted.JobId}", null, ("X-API-Key", "dev-key"));

        Assert.Equal(("cancelled", true), (first.Status, first.Cancelled));
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Contains("ended before", body.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("Cancelled", (await api.Client.GetStatusAsync(submitted.JobId)).Error?.Type);
    }

    [Fact]
    public async Task Cancel_RunningJob_TellsItsWorker()
    {
        var submitted = await api.Client.SubmitAsync(new() { WorkflowName = "emergency_contacts", InputData = JsonElement.Parse(ApiFixture.Input) });
        var worker = await api.Engine.NewWorkerAsync();
        await api.Engine.Leases.ClaimAsync(worker.Id, [submitted.JobId], CancellationToken.None);
        var told = new TaskCompletionSource();
        await api.Bus.SubscribeCancelsAsync(id =>
        {
            if (id == submitted.JobId)
            {
                told.TrySetResult();
            }
        });

        var (response, body) = await api.SendAsync(HttpMethod.Post, $"api/v1/jobs/{submitted.JobId}/cancel", null, ("X-API-Key", "dev-key"));

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal("processing", body.GetProperty("status").GetString());
        await told.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True((await api.Client.GetStatusAsync(submitted.JobId)).CancelRequested);
    }

    [Fact]
    public async Task Cancel_UnknownJob_Is404()
    {
        var error = await Assert.ThrowsAsync<WorkflowApiException>(() => api.Client.CancelAsync(Guid.NewGuid()));

        Assert.Equal(HttpStatusCode.NotFound, error.Status);
    }

    [Fact]
    public async Task Route_UnknownOrWrongMethod_IsAProblem()
    {
        var (missing, first) = await api.SendAsync(HttpMethod.Get, "api/v1/nonsense");
        var (wrong, second) = await api.SendAsync(HttpMethod.Put, "api/v1/jobs", "{}");

        AssertProblem(missing, first, HttpStatusCode.NotFound, "UnknownRoute");
        AssertProblem(wrong, second, HttpStatusCode.MethodNotAllowed, "MethodNotAllowed");
        Assert.Contains("POST", second.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cors_KnownOrigin_IsAllowedWithoutKey()
    {
        var (response, _) = await api.SendAsync(
            HttpMethod.Options, "api/v1/jobs", null, ("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "x-api-key"));
        var (other, _) = await api.SendAsync(HttpMethod.Options, "api/v1/jobs", null, ("Origin", "https://evil.example"), ("Access-Control-Request-Method", "POST"));

        Assert.Equal("https://app.example.com", Assert.Single(response.Headers.GetValues("Access-Control-Allow-Origin")));
        Assert.False(other.Headers.Contains("Access-Control-Allow-Origin"));
    }

    private static void AssertProblem(HttpResponseMessage response, JsonElement problem, HttpStatusCode status, string type)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        var error = problem.Deserialize(WorkflowJson.Default.ProblemResponse)!.Error;
        Assert.Equal(type, error.Type);
        Assert.Equal("USER_ERROR", error.Category);
    }
}
