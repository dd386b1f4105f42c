using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Tests.Engine.Definitions;

public sealed class WorkflowCatalogTests : IDisposable
{
    private const string Good = """{"name": "one", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt_template": "p.md"}]}""";

    private static readonly Dictionary<string, string> s_none = [];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llmwf-catalog-");

    public WorkflowCatalogTests()
    {
        Write("definitions/one.json", Good);
        Write("prompts/p.md", "Hi {{include:sub/q.md}}");
        Write("prompts/sub/q.md", "there");
        Write("prompts/unused.md", "x");
        Write("pricing.json", Pricing(1));
    }

    [Fact]
    public void Find_LoadedFolder_GivesPinnedWorkflowWithItsPrompts()
    {
        using WorkflowCatalog catalog = Open();

        PinnedWorkflow workflow = catalog.Find("one")!;

        Assert.Equal(["one"], catalog.Names);
        Assert.Empty(catalog.Problems);
        Assert.Equal(["p.md", "sub/q.md"], workflow.Prompts.Keys);
        Assert.Matches("^[0-9a-f]{64}$", workflow.Hash);
        Assert.Null(catalog.Find("two"));
        Assert.Same(workflow, catalog.FindVersion(workflow.Hash));
    }

    [Fact]
    public void Reload_PromptChanges_GivesNewHashAndKeepsTheOldVersion()
    {
        using WorkflowCatalog catalog = Open();
        PinnedWorkflow before = catalog.Find("one")!;

        Write("prompts/unused.md", "another text");
        catalog.Reload();
        Assert.Equal(before.Hash, catalog.Find("one")!.Hash);

        Write("prompts/sub/q.md", "everybody");
        catalog.Reload();
        Assert.NotEqual(before.Hash, catalog.Find("one")!.Hash);
        Assert.Equal("there", catalog.FindVersion(before.Hash)!.Prompts["sub/q.md"]);
    }

    [Fact]
    public void Reload_BrokenFile_KeepsLastGoodAndReports()
    {
        using WorkflowCatalog catalog = Open();
        PinnedWorkflow before = catalog.Find("one")!;

        Write("definitions/one.json", """{"name": "one", "steps": [}""");
        Write("definitions/two.json", """{"name": "two"}""");
        Write("pricing.json", "{}");
        catalog.Reload();

        Assert.Same(before, catalog.Find("one"));
        Assert.Null(catalog.Find("two"));
        Assert.Equal(
            [("pricing.json", true), ("definitions/one.json", true), ("definitions/two.json", false)],
            catalog.Problems.Select(problem => (problem.File, problem.LastGoodInUse)));
        Assert.Equal(1m, catalog.Prices.Cost("m", new TokenUsage { InputTokens = 1_000_000 }, DateTimeOffset.UnixEpoch));

        Write("definitions/one.json", Good.Replace("\"a\"", "\"b\"", StringComparison.Ordinal));
        File.Delete(Path.Combine(_folder.FullName, "definitions/two.json"));
        Write("pricing.json", Pricing(2));
        catalog.Reload();

        Assert.Empty(catalog.Problems);
        Assert.Equal("b", catalog.Find("one")!.Definition.Steps[0].Id);
        Assert.Equal(2m, catalog.Prices.Cost("m", new TokenUsage { InputTokens = 1_000_000 }, DateTimeOffset.UnixEpoch));
    }

    [Fact]
    public void Reload_DeletedFile_RemovesTheWorkflow()
    {
        using WorkflowCatalog catalog = Open();

        File.Delete(Path.Combine(_folder.FullName, "definitions/one.json"));
        catalog.Reload();

        Assert.Empty(catalog.Names);
    }

    [Fact]
    public async Task Watch_ChangedFile_IsLoaded()
    {
        using WorkflowCatalog catalog = Open();
        catalog.Watch();

        Write("definitions/two.json", Good.Replace("one", "two", StringComparison.Ordinal));

        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(60));
        while (catalog.Find("two") is null)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, deadline.Token);
        }
    }

    [Fact]
    public void Restore_StoredTexts_GivesTheSameWorkflow()
    {
        using WorkflowCatalog catalog = Open();
        PinnedWorkflow workflow = catalog.Find("one")!;
        Dictionary<string, string> prompts = workflow.Prompts.Reverse().ToDictionary(prompt => prompt.Key, prompt => prompt.Value);

        PinnedWorkflow restored = WorkflowCatalog.Restore(workflow.Hash, workflow.Json, prompts, s_none);

        Assert.Equal((workflow.Hash, workflow.Json), (restored.Hash, restored.Json));
        Assert.Equal("a", restored.Definition.Steps[0].Id);
        prompts["p.md"] += "!";
        Assert.Throws<WorkflowException>(() => WorkflowCatalog.Restore(workflow.Hash, workflow.Json, prompts, s_none));
    }

    [Fact]
    public void Open_NoFolder_IsEmpty()
    {
        using WorkflowCatalog catalog = new(Path.Combine(_folder.FullName, "nowhere"), null, TimeProvider.System, NullLogger<WorkflowCatalog>.Instance);

        Assert.Empty(catalog.Names);
    }

    public void Dispose() => _folder.Delete(true);

    private static string Pricing(int input) =>
        $$$$"""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": {{{{input}}}}, "output": 1}]}}}""";

    private WorkflowCatalog Open() => new(_folder.FullName, null, TimeProvider.System, NullLogger<WorkflowCatalog>.Instance);

    private void Write(string path, string text)
    {
        string file = Path.Combine(_folder.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
