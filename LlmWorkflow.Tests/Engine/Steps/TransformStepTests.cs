using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Steps;
using LlmWorkflow.Tests.Engine.Expressions;
using LlmWorkflow.Tests.Engine.Transforms;

namespace LlmWorkflow.Tests.Engine.Steps;

public sealed class TransformStepTests
{
    [Fact]
    public async Task ExecuteAsync_Row_EachReadsTheOneBefore() => TestTransform.AssertJson(
        "\"bob, Ann\"",
        (await Run(
            """[{"n": "Ann", "age": 40}, {"n": "bob", "age": 7}, {"n": "Cid"}]""",
            ("filter", """{"condition": "exists(item.age)"}"""),
            ("sort", """{"by": "${item.age}"}"""),
            ("map", """{"value": {"who": "${item.n}"}}"""),
            ("join", """{"expression": "item.who"}"""))).Output);

    [Fact]
    public async Task ExecuteAsync_OwnInput_IsReadInstead() => TestTransform.AssertJson(
        """["a"]""",
        (await Run("[3]", ("limit", """{"count": 9}"""), ("limit", """{"input": "${input.tags}", "count": 1}"""))).Output);

    [Fact]
    public async Task ExecuteAsync_StepsInput_ComesBeforeTheOutputOfTheStepBefore() => TestTransform.AssertJson(
        "[2]",
        (await Run("[9]", JsonElement.Parse("\"${steps.fetch.data.places}\""), ("limit", """{"count": 1, "offset": 1}"""))).Output);

    [Fact]
    public async Task ExecuteAsync_SecondOperationFails_NamesIt()
    {
        StepResult result = await Run("""["a"]""", ("join", "{}"), ("sort", "{}"));

        Assert.Equal(ErrorTypes.TransformError, result.Error?.Type);
        Assert.Equal("my_step", result.Error?.StepId);
        Assert.Equal("Transform 'sort' in step 'my_step': 'sort' needs an array as input; it is \"a\".", result.Error?.Message);
        Assert.False(result.Error?.Retryable);
    }

    [Fact]
    public async Task ExecuteAsync_NothingToRead_IsFailure() =>
        Assert.Contains("'sort' needs an array as input; it is nothing", (await Run(null, ("sort", "{}"))).Error?.Message, StringComparison.Ordinal);

    [Fact]
    public async Task ExecuteAsync_Cancelled_Throws() => await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        await new TransformStep().ExecuteAsync(Context("[1]", default, ("map", """{"expression": "item"}""")), new CancellationToken(true)));

    private static Task<StepResult> Run(string? previous, params (string Operation, string Parameters)[] operations) => Run(previous, default, operations);

    private static Task<StepResult> Run(string? previous, JsonElement input, params (string Operation, string Parameters)[] operations) =>
        new TransformStep().ExecuteAsync(Context(previous, input, operations), CancellationToken.None);

    private static StepContext Context(string? previous, JsonElement input, params (string Operation, string Parameters)[] operations)
    {
        TransformStepDefinition step = new()
        {
            Id = "my_step",
            Input = input,
            Operations = [.. operations.Select(operation => new TransformOperation(operation.Operation, JsonElement.Parse(operation.Parameters)))],
        };
        WorkflowDefinition definition = new() { Name = "w", Version = "1.0.0", Steps = [step] };
        return new StepContext
        {
            Job = new JobIdentity { JobId = Guid.CreateVersion7(), WorkflowName = "w", DefinitionHash = "h" },
            Fence = default,
            Step = step,
            Workflow = new PinnedWorkflow { Hash = "h", Definition = definition, Json = "{}", Prompts = new Dictionary<string, string>() },
            StepPath = "my_step",
            Attempt = 1,
            Scope = TestScope.Standard,
            PreviousOutput = previous is null ? default : JsonElement.Parse(previous),
            EarlierCalls = [],
            OnDelta = static _ => { },
        };
    }
}
