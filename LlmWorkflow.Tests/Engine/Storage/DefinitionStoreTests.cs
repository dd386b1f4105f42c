using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.Storage;

public sealed class DefinitionStoreTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    [Fact]
    public async Task FindAsync_StoredDefinition_HasItsPromptsAndWorkflowsUnchanged()
    {
        StoredDefinition stored = new(
            new string('b', 64),
            "top",
            "{\"name\": \"top\"}",
            new Dictionary<string, string> { ["p.md"] = "Hi" },
            new Dictionary<string, string> { ["sub"] = "{\n  \"name\": \"sub\", \"description\": \"é \\u0041\"\n}" });

        await new DefinitionStore(engine.Database).EnsureAsync(stored, CancellationToken.None);
        StoredDefinition? found = await new DefinitionStore(engine.Database).FindAsync(stored.Hash, CancellationToken.None);

        Assert.Equal((stored.Name, stored.Json), (found!.Name, found.Json));
        Assert.Equal(stored.Prompts, found.Prompts);
        Assert.Equal(stored.Workflows, found.Workflows);
    }
}
