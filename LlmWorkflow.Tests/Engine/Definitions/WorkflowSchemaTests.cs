using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Definitions.Language;
using NJsonSchema;

namespace LlmWorkflow.Tests.Engine.Definitions;

public sealed class WorkflowSchemaTests
{
    // What a schema cannot say, or says by name only: those files are well formed.
    private static readonly string[] s_beyondForm =
    [
        IssueCodes.NameMismatch, IssueCodes.DuplicateProperty, IssueCodes.DuplicateStepId, IssueCodes.InvalidExpression, IssueCodes.UnknownReference, IssueCodes.LaterReference,
        IssueCodes.NotAlwaysRun, IssueCodes.MissingPrompt, IssueCodes.MissingInclude, IssueCodes.IncludeCycle, IssueCodes.PromptPathOutside, IssueCodes.InvalidPrompt,
        IssueCodes.UnknownVariable, IssueCodes.UnknownService, IssueCodes.UnknownWorkflow, IssueCodes.WorkflowRecursion, IssueCodes.UnknownParameter, IssueCodes.UnknownPrice,
        IssueCodes.InvalidInputSchema, IssueCodes.InvalidSchema, IssueCodes.UnusedOutput,
    ];

    // Their codes are about form too, but here the services, other workflows or two values together say what is wrong.
    private static readonly string[] s_formInMeaning = ["unknown_operation", "missing_parameter", "missing_workflow_input", "bad_retry_delays", "too_deep_steps"];

    private static readonly Lazy<JsonSchema> s_schema = new(() => JsonSchema.FromJsonAsync(WorkflowSchema.ToJson()).GetAwaiter().GetResult());

    /// <summary>After a change of the language: <c>UPDATE_SCHEMA=1 dotnet test LlmWorkflow.Tests --filter WorkflowSchemaTests</c> writes the file anew.</summary>
    [Fact]
    public void ToJson_ShippedFile_IsTheSame()
    {
        string file = Path.Combine(ShippedWorkflows.Directory, "workflow.schema.json");
        if (Environment.GetEnvironmentVariable("UPDATE_SCHEMA") == "1")
        {
            File.WriteAllText(file, WorkflowSchema.ToJson());
        }

        Assert.True(
            File.Exists(file) && File.ReadAllText(file) == WorkflowSchema.ToJson(),
            "workflows/workflow.schema.json is not what the language's table gives. Write it anew: UPDATE_SCHEMA=1 dotnet test LlmWorkflow.Tests --filter WorkflowSchemaTests");
    }

    [Fact]
    public void ToJson_ShippedDefinitions_PassAndNameTheSchema()
    {
        string[] files = Directory.GetFiles(Path.Combine(ShippedWorkflows.Directory, "definitions"), "*.json");

        Assert.NotEmpty(files);
        Assert.All(files, file =>
        {
            string json = File.ReadAllText(file);
            Assert.Empty(s_schema.Value.Validate(json));
            Assert.Equal("../workflow.schema.json", JsonDocument.Parse(json).RootElement.GetProperty("$schema").GetString());
        });
    }

    [Theory]
    [MemberData(nameof(InvalidSamples.Files), MemberType = typeof(InvalidSamples))]
    public void ToJson_InvalidSample_FailsWhereItsFormIsWrong(string name)
    {
        string json = InvalidSamples.Read(name);
        IReadOnlyList<DefinitionIssue> issues = InvalidSamples.Issues(name);
        if (issues is [{ Code: IssueCodes.MalformedJson }])
        {
            Assert.ThrowsAny<Exception>(() => s_schema.Value.Validate(json));
            return;
        }

        bool isWellFormed = issues.All(issue => s_beyondForm.Contains(issue.Code)) || s_formInMeaning.Contains(name);

        Assert.Equal(isWellFormed, s_schema.Value.Validate(json).Count == 0);
    }

    [Fact]
    public void ToJson_EveryStepTypeAndOperation_HasItsDefinition()
    {
        JsonElement definitions = JsonDocument.Parse(WorkflowSchema.ToJson()).RootElement.GetProperty("definitions");
        string[] types = [.. definitions.GetProperty("step").GetProperty("anyOf").EnumerateArray()
            .Select(reference => definitions.GetProperty(reference.GetProperty("$ref").GetString()!["#/definitions/".Length..]))
            .Select(definition => definition.GetProperty("properties").GetProperty("type").GetProperty("enum")[0].GetString()!).Distinct()];

        Assert.Equal(["llm", "external_api", "transform", "conditional", "parallel", "foreach", "workflow", "wait", "approval"], types);
        Assert.All(StepShapes.All.SelectMany(shape => shape.Properties), property => Assert.EndsWith(".", property.Doc, StringComparison.Ordinal));
    }
}
