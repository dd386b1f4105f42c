using System.Net;
using System.Text.Json;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Api;

public sealed class BudgetEndpointTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Theory]
    [InlineData("""{}""", "/max_cost_usd is missing")]
    [InlineData("""{"max_cost_usd": 0}""", "/max_cost_usd must be a number above 0")]
    [InlineData("""{"max_cost_usd": "2"}""", "/max_cost_usd must be a number above 0, not a string")]
    [InlineData("""{"max_cost_usd": 2, "step": "draft"}""", "/step is not a field")]
    [InlineData("""{"max_cost_usd": 2, "step_path": ""}""", "/step_path must have 1 to")]
    [InlineData("""[2]""", "the body must be an object")]
    public async Task Budget_MalformedBody_Is400AndSaysWhatIsAllowed(string body, string told)
    {
        var (response, problem) = await PostAsync(Guid.CreateVersion7(), body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(told, Detail(problem), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Budget_NoSuchJob_Is404()
    {
        var (response, _) = await PostAsync(Guid.CreateVersion7(), """{"max_cost_usd": 2}""");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Budget_JobWithACap_AnswersItsStateAndRefusesALowerOne()
    {
        var job = EngineFixture.NewJob();
        var claim = await api.Engine.NewClaimAsync(await api.Engine.NewWorkerAsync(), job with { Identity = job.Identity with { MaxCostUsd = 1 } });

        var (raised, budget) = await PostAsync(claim.Job.Identity.JobId, """{"max_cost_usd": 2.5}""");
        var (lower, conflict) = await PostAsync(claim.Job.Identity.JobId, """{"max_cost_usd": 2}""");
        var (unknownStep, _) = await PostAsync(claim.Job.Identity.JobId, """{"max_cost_usd": 2, "step_path": "nowhere"}""");

        Assert.Equal(HttpStatusCode.OK, raised.StatusCode);
        Assert.Equal(
            $$"""{"job_id":"{{claim.Job.Identity.JobId}}","status":"{{JobStatus.Processing.ToText()}}","max_cost_usd":2.5,"spent_usd":0,"held_usd":0}""",
            budget.GetRawText());
        Assert.Equal(HttpStatusCode.Conflict, lower.StatusCode);
        Assert.Equal("max_cost_usd of the job is 2.5 already; it can only be raised.", Detail(conflict));
        Assert.Equal(HttpStatusCode.Conflict, unknownStep.StatusCode);
    }

    private Task<(HttpResponseMessage Response, JsonElement Body)> PostAsync(Guid job, string body) =>
        api.SendAsync(HttpMethod.Post, $"api/v1/jobs/{job}/budget", body, ("X-API-Key", "dev-key"));

    private static string? Detail(JsonElement problem) => problem.GetProperty("detail").GetString();
}
