using LlmWorkflow.Cli.Authoring;

namespace LlmWorkflow.Tests.Cli.Authoring;

public sealed class EditMenuTests : IDisposable
{
    // Places in the menu. The first change adds 'Undo', or 'Redo' when it is undone.
    private const int Add = 0, Set = 1, Rename = 3, Remove = 5, Undo = 6, Save = 8, QuitUnchanged = 9, Quit = 10;

    private readonly TestDefinition _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task Menu_AddSetSave_WritesAfterTheDiff()
    {
        var console = new ScriptedConsole()
            .Choose(Add).Choose(0).Choose(0).Type("draft")
            .Choose(Set).Choose(1).Choose(2).Type("test/model")
            .Choose(Save).Type("y")
            .Choose(Quit);

        Assert.Equal(0, await RunAsync(console));
        Assert.Contains("""
                {
                  "id": "draft",
                  "type": "llm",
                  "model": "test/model",
            """.ReplaceLineEndings("\n"), _file.OnDisk);
        Assert.Contains("+      \"id\": \"draft\",", console.Output);
    }

    [Fact]
    public async Task Menu_SaveDeclined_WritesNothing()
    {
        var console = new ScriptedConsole().Choose(Remove).Choose(3).Choose(Save).Type("n").Choose(Undo).Choose(Quit);

        Assert.Equal(0, await RunAsync(console));
        Assert.Equal(TestDefinition.Nested, _file.OnDisk);
    }

    [Fact]
    public async Task Menu_ErrorsInTheDefinition_AsksBeforeWriting()
    {
        var console = new ScriptedConsole().Choose(Remove).Choose(0).Choose(Save).Type("y").Type("n").Choose(Quit).Type("n").Choose(Save).Type("y").Type("y").Choose(Quit);

        Assert.Equal(0, await RunAsync(console));
        Assert.Contains("The definition has errors", console.Output);
        Assert.DoesNotContain("\"id\": \"fetch\"", _file.OnDisk);
    }

    [Fact]
    public async Task Menu_ImpossibleEdit_SaysWhyAndGoesOn()
    {
        var console = new ScriptedConsole().Choose(Rename).Choose(0).Type("pick").Choose(QuitUnchanged);

        Assert.Equal(0, await RunAsync(console));
        Assert.Contains("There is a step 'pick' already.", console.Output);
    }

    private Task<int> RunAsync(ScriptedConsole console) => new EditMenu(_file.Open(), console).RunAsync(false, CancellationToken.None);
}
