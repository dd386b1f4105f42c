using LlmWorkflow.Engine.Definitions;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Tests.Engine.Definitions;

public sealed class SubWorkflowTests : IDisposable
{
    private const string Leaf = """{"name": "leaf", "input_schema": {"required": ["a"]}, "steps": [{"id": "a", "type": "llm", "model": "m", "prompt_template": "leaf.md"}]}""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llmwf-sub-");

    public SubWorkflowTests()
    {
        Write("pricing.json", """{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1}]}}}""");
        Write("prompts/leaf.md", "Leaf");
        Write("prompts/top.md", "Top");
        Write("definitions/leaf.json", Leaf);
        Write("definitions/middle.json", """{"name": "middle", "steps": [{"id": "l", "type": "workflow", "name": "leaf", "input": {"a": 1}}]}""");
        Write(
            "definitions/top.json",
            """
            {"name": "top", "steps": [
              {"id": "p", "type": "llm", "model": "m", "prompt_template": "top.md", "variables": {}},
              {"id": "c", "type": "conditional", "condition": "steps.p.output.content", "then": [{"id": "m", "type": "workflow", "name": "middle"}]}]}
            """);
    }

    [Fact]
    public void Find_WorkflowThatRunsOthers_PinsAllOfThemWithTheirPrompts()
    {
        using WorkflowCatalog catalog = Open();
        PinnedWorkflow top = catalog.Find("top")!;

        Assert.Empty(catalog.Problems);
        Assert.Equal(["leaf", "middle"], top.Workflows.Keys);
        Assert.Equal("a", top.Workflows["leaf"].Definition.Steps[0].Id);
        Assert.Equal(["leaf.md", "top.md"], top.Prompts.Keys);
        Assert.Empty(catalog.Find("leaf")!.Workflows);
    }

    [Fact]
    public void Reload_DeepestWorkflowOrItsPromptChanges_GivesTheOuterOneANewHash()
    {
        using WorkflowCatalog catalog = Open();
        string before = catalog.Find("top")!.Hash;

        Write("definitions/leaf.json", Leaf.Replace("\"a\", \"type\"", "\"b\", \"type\"", StringComparison.Ordinal));
        catalog.Reload();
        string after = catalog.Find("top")!.Hash;
        Write("prompts/leaf.md", "Leaf!");
        catalog.Reload();

        Assert.NotEqual(before, after);
        Assert.NotEqual(after, catalog.Find("top")!.Hash);
        Assert.Equal("a", catalog.FindVersion(before)!.Workflows["leaf"].Definition.Steps[0].Id);
    }

    [Fact]
    public void Reload_BrokenSubWorkflow_ItsLastGoodVersionIsRun()
    {
        using WorkflowCatalog catalog = Open();

        Write("definitions/leaf.json", "{");
        Write("prompts/top.md", "Top!");
        catalog.Reload();

        Assert.Equal(["definitions/leaf.json"], catalog.Problems.Select(problem => problem.File));
        Assert.Equal("Top!", catalog.Find("top")!.Prompts["top.md"]);
        Assert.Equal(Leaf, catalog.Find("top")!.Workflows["leaf"].Json);
        Assert.Equal("Leaf", catalog.Find("top")!.Prompts["leaf.md"]);
    }

    [Fact]
    public void Open_BrokenSubWorkflowWithoutLastGood_BreaksThoseThatRunIt()
    {
        Write("definitions/leaf.json", "{");
        using WorkflowCatalog catalog = Open();

        Assert.Empty(catalog.Names);
        Assert.Equal([IssueCodes.UnknownWorkflow], catalog.Issues("middle").Select(issue => issue.Code));
        Assert.Equal([IssueCodes.UnknownWorkflow], catalog.Issues("top").Select(issue => issue.Code));
    }

    [Fact]
    public void Open_CircleOfWorkflows_BreaksThoseInItOnly()
    {
        Write("definitions/leaf.json", """{"name": "leaf", "steps": [{"id": "m", "type": "workflow", "name": "middle"}]}""");
        using WorkflowCatalog catalog = Open();

        Assert.Equal([IssueCodes.WorkflowRecursion], catalog.Issues("leaf").Select(issue => issue.Code));
        Assert.Equal([IssueCodes.WorkflowRecursion], catalog.Issues("middle").Select(issue => issue.Code));
        Assert.Equal([IssueCodes.UnknownWorkflow], catalog.Issues("top").Select(issue => issue.Code));
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(9, false)]
    public void Open_ChainOfWorkflows_MayBeEightDeep(int depth, bool isValid)
    {
        for (int i = 0; i < depth; i++)
        {
            Write($"definitions/chain{i}.json", $$"""{"name": "chain{{i}}", "steps": [{"id": "s", "type": "workflow", "name": "chain{{i + 1}}"}]}""");
        }

        Write($"definitions/chain{depth}.json", $$"""{"name": "chain{{depth}}", "steps": [{"id": "s", "type": "wait", "seconds": 1}]}""");
        using WorkflowCatalog catalog = Open();

        Assert.Equal(isValid, catalog.Find("chain0") is not null);
        Assert.NotNull(catalog.Find("chain1"));
    }

    [Fact]
    public void Restore_StoredTexts_GivesTheSameWorkflows()
    {
        using WorkflowCatalog catalog = Open();
        PinnedWorkflow top = catalog.Find("top")!;
        Dictionary<string, string> texts = top.Workflows.ToDictionary(sub => sub.Key, sub => sub.Value.Json);

        PinnedWorkflow restored = WorkflowCatalog.Restore(top.Hash, top.Json, top.Prompts, texts);

        Assert.Equal(["leaf", "middle"], restored.Workflows.Keys.Order());
        Assert.Equal("a", restored.Workflows["leaf"].Definition.Steps[0].Id);
    }

    [Fact]
    public void Pin_FileFromElsewhere_TakesPromptsAndWorkflowsOfTheFolder()
    {
        using WorkflowCatalog catalog = Open();
        const string Json = """{"name": "other", "steps": [{"id": "t", "type": "workflow", "name": "middle"}, {"id": "a", "type": "llm", "model": "m", "prompt_template": "top.md"}]}""";

        PinnedWorkflow pinned = catalog.Pin(DefinitionValidator.Validate(Json, "other", catalog.Surroundings), Json);

        Assert.Equal(["leaf", "middle"], pinned.Workflows.Keys);
        Assert.Equal(["leaf.md", "top.md"], pinned.Prompts.Keys);
        Assert.Same(pinned, catalog.FindVersion(pinned.Hash));
    }

    public void Dispose() => _folder.Delete(true);

    private WorkflowCatalog Open() => new(_folder.FullName, null, TimeProvider.System, NullLogger<WorkflowCatalog>.Instance);

    private void Write(string path, string text)
    {
        string file = Path.Combine(_folder.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
