using System.Diagnostics;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Tests.AppHost;
using LlmWorkflow.Tests.Support;
using Xunit.Abstractions;

namespace LlmWorkflow.Tests.Running;

/// <summary>A provider that allows 60 requests a minute, and four workers that do not know it yet.</summary>
[Collection(nameof(RunningSystem))]
public sealed class RateLimitRunTests(ITestOutputHelper output)
{
    private const int PerMinute = 60;
    private const int Jobs = 230;

    private const string Single = """
        {
          "name": "single", "version": "1.0.0",
          "steps": [{ "id": "write", "type": "llm", "model": "anthropic/claude-3-haiku", "prompt": "Item ${input.item}.", "max_tokens": 20 }]
        }
        """;

    [Fact]
    [Trait("Category", "Full")]
    public async Task SixtyRequestsAMinute_FourWorkers_FewRefusalsAndFullThroughput()
    {
        using var tree = new WorkflowTree(("single", Single));
        await using var system = await RunningSystem.StartAsync($"--WORKFLOWS_DIR={tree.Root}", "--WORKERS=4");
        await system.BehaveAsync("""{"latency_ms":200,"output_tokens":10,"rate_limit":{"requests_per_minute":60,"headers":"openai"},"match":{"path":"chat/completions"}}""");
        var started = Stopwatch.StartNew();
        var jobs = await Task.WhenAll(Enumerable.Range(0, Jobs).Select(i =>
            system.Client.SubmitAsync(new SubmitRequest { WorkflowName = "single", InputData = JsonElement.Parse($$"""{"item":{{i}}}""") })));

        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(*) from llm_workflow_jobs where status = 'completed'") == Jobs, TimeSpan.FromMinutes(6), "all jobs");

        var calls = (await system.LedgerAsync()).GetProperty("calls").EnumerateArray()
            .Select(call => (At: call.GetProperty("at").GetDateTimeOffset(), Status: call.GetProperty("status").GetInt32())).OrderBy(call => call.At).ToList();
        var refused = calls.Where(call => call.Status == 429).ToList();
        var worst = refused.Count == 0 ? 0 : refused.Max(one => refused.Count(other => other.At >= one.At && other.At < one.At.AddMinutes(1)));
        // The bucket is full at first: what is paced are the calls beyond it.
        var answered = calls.Where(call => call.Status == 200).ToList();
        var seconds = (answered[^1].At - answered[0].At).TotalSeconds;
        var allowed = PerMinute + (seconds * PerMinute / 60);
        output.WriteLine($"{answered.Count} answered in {seconds:0.0} s of {allowed:0.0} allowed ({answered.Count / allowed:P1}), {refused.Count} refused, most in a minute {worst}; {started.Elapsed.TotalSeconds:0.0} s in all");
        Assert.InRange(worst, 0, 2);
        Assert.InRange(answered.Count / allowed, 0.9, 1.1);
        Assert.Equal(0L, await system.ScalarAsync<long>("select count(*) from llm_step_runs where attempts > 1"));
        Assert.Equal(0L, await system.ScalarAsync<long>("select count(*) from llm_job_events where type = 'step.retrying'"));
        Assert.Equal(Jobs, jobs.Length);
    }
}
