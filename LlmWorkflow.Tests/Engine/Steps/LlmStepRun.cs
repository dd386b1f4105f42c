using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Steps;
using LlmWorkflow.Tests.Engine.Providers;
using LlmWorkflow.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace LlmWorkflow.Tests.Engine.Steps;

/// <summary>Runs one <c>llm</c> step against a scripted upstream.</summary>
internal static class LlmStepRun
{
    /// <summary>A whole reply of 10 and 2 tokens that costs one USD.</summary>
    public static Func<HttpContext, Task> Answer(string text, string finishReason = "stop", string model = LlmFixture.Model) => FakeUpstream.Json(
        $$$"""{"id":"gen-1","model":"{{{model}}}","choices":[{"message":{"role":"assistant","content":{{{JsonSerializer.Serialize(text)}}} },"finish_reason":"{{{finishReason}}}"}],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"cost":1}}""");

    /// <summary>A refusal.</summary>
    public static Func<HttpContext, Task> Refusal(int status, params (string Name, string Value)[] headers) =>
        FakeUpstream.Json($$$"""{"error":{"code":{{{status}}},"message":"no"}}""", status, headers: headers);

    /// <summary>One script per request; a further request fails the test.</summary>
    public static Func<HttpContext, Task> Script(params Func<HttpContext, Task>[] answers)
    {
        var next = -1;
        return context => Interlocked.Increment(ref next) is var i && i < answers.Length
            ? answers[i](context)
            : throw new InvalidOperationException("One request too many.");
    }

    /// <summary>The bodies of the requests so far.</summary>
    public static IReadOnlyList<JsonElement> Requests(LlmFixture fixture) => [.. fixture.Upstream.Received.Select(request => JsonElement.Parse(request.Body))];

    public static string[] Roles(JsonElement request) => [.. request.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("role").GetString()!)];

    public static string Content(JsonElement request, int message) => request.GetProperty("messages")[message].GetProperty("content").GetString()!;

    /// <summary>Runs the step, with the calls that the fixture's ledger has by then.</summary>
    public static async Task<StepResult> RunAsync(
        LlmFixture fixture, Action<LlmDelta>? onDelta = null, JobIdentity? job = null, Func<LlmStepDefinition, LlmStepDefinition>? change = null,
        CancellationToken cancellationToken = default)
    {
        job ??= fixture.Job;
        var step = new LlmStepDefinition
        {
            Id = "analyse",
            Model = "${context.model}",
            SystemPrompt = "You know ${input.city}.",
            PromptTemplate = "contacts.md",
            Variables = new Dictionary<string, JsonElement> { ["town"] = JsonElement.Parse("\"${input.city}\"") },
        };
        return await new LlmStep(fixture.Caller, fixture.Options).ExecuteAsync(
            new StepContext
            {
                Job = job,
                Fence = new Fence(job.JobId, Guid.Empty, 1),
                Step = change is null ? step : change(step),
                Workflow = new PinnedWorkflow
                {
                    Hash = "h",
                    Definition = new WorkflowDefinition { Name = "w", Steps = [step] },
                    Json = "{}",
                    Prompts = new Dictionary<string, string> { ["contacts.md"] = "List contacts in {{town}}." },
                },
                StepPath = "analyse",
                Attempt = 1,
                Scope = new ExpressionScope
                {
                    Input = JsonElement.Parse("""{"city":"Berlin"}"""),
                    Context = new Dictionary<string, JsonElement> { ["model"] = JsonElement.Parse($"\"{LlmFixture.Model}\"") },
                    Steps = new Dictionary<string, StepValue>(),
                },
                PreviousOutput = default,
                EarlierCalls = await fixture.Ledger.ReadAsync(job.JobId, CancellationToken.None),
                OnDelta = onDelta ?? (_ => { }),
            },
            cancellationToken);
    }
}
