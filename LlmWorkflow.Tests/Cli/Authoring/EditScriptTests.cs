using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Cli.Authoring;

public sealed class EditScriptTests : IDisposable
{
    private readonly WorkflowTree _tree = new(("order", TestDefinition.Nested));

    private string File => Path.Combine(_tree.Root, "definitions", "order.json");

    public void Dispose() => _tree.Dispose();

    [Fact]
    public async Task Edit_WholeScript_WritesTheFile()
    {
        var (code, output, error) = await EditAsync(
            """
            # A comment, and an empty line.

            add llm as draft after fetch
            set draft max_tokens 500
            set draft prompt 'Say "hello" to ${input.name}.'
            set draft variables {"a": "${steps.fetch.output}", "b": [1, 2]}
            set . description Does some things.
            add transform:filter in pick/else at 0
            add wait as w in fan/left
            move l before r
            rename fetch load
            undo
            redo
            remove l
            list
            save
            """);

        Assert.Equal((0, ""), (code, error));
        Assert.EndsWith("saved definitions/order.json\n", output);
        Assert.Contains(
            """
            steps
              load  transform
              draft  llm
              pick  conditional
                pick/then
                  note  transform
                pick/else
                  filter  transform
              fan  parallel
                fan/left
                  w  wait
                fan/right
                  r  wait
            """.ReplaceLineEndings("\n"),
            output);
        var text = await System.IO.File.ReadAllTextAsync(File);
        Assert.Contains("\"prompt\": \"Say \\\"hello\\\" to ${input.name}.\"", text);
        Assert.Contains("\"variables\": { \"a\": \"${steps.load.output}\", \"b\": [1, 2] }", text);
        Assert.Contains("\"description\": \"Does some things.\",\n  \"steps\": [", text);
    }

    [Fact]
    public async Task Edit_WrongCommands_NamesTheirLinesAndSavesNothing()
    {
        var (code, _, error) = await EditAsync("remove fan\nsett a b c\nset fetch\nadd llm behind fetch\nset fetch x {\nsave\n");

        Assert.Equal(2, code);
        Assert.Contains("error: line 2: There is no command 'sett'. Did you mean 'set'? See 'help'.", error);
        Assert.Contains("error: line 3: The property is missing.", error);
        Assert.Contains("error: line 4: A place is before STEP, after STEP, or in LIST [at INDEX], not 'behind'.", error);
        Assert.Contains("error: line 5: The value is no valid JSON:", error);
        Assert.Contains("error: line 6: Not saved: a command before was wrong.", error);
        Assert.Contains("definitions/order.json has unsaved changes", error);
        Assert.Equal(TestDefinition.Nested, await System.IO.File.ReadAllTextAsync(File));
    }

    [Theory]
    [InlineData("remove fan", 1, "unsaved changes")]
    [InlineData("remove fan\nquit\nnonsense", 1, "unsaved changes")]
    [InlineData("remove fan\nquit discard", 0, "")]
    [InlineData("remove fan\nundo", 0, "")]
    [InlineData("help\nlist\nissues\ndiff", 0, "")]
    [InlineData("remove fetch\nsave", 1, "line 2: The definition has errors; see 'issues'.")]
    public async Task Edit_EndOfScript_SaysWhatIsLost(string script, int code, string error)
    {
        var result = await EditAsync(script);

        Assert.Equal(code, result.Code);
        Assert.Contains(error, result.Error);
        Assert.True(error.Length > 0 || result.Error.Length == 0, result.Error);
        Assert.Equal(TestDefinition.Nested, await System.IO.File.ReadAllTextAsync(File));
    }

    [Fact]
    public async Task Edit_NewIssue_IsShownOnceWithItsPlace()
    {
        var (code, output, error) = await EditAsync("set l seconds -1\nset r seconds 1\nundo\nundo\nquit");

        Assert.Equal(0, code);
        Assert.Equal("definitions/order.json:24:58 error OUT_OF_RANGE 'seconds' must be a number from 0 to 31536000, not -1.\n", error);
        Assert.Contains("undone: set r seconds\nundone: set l seconds\n", output);
    }

    [Fact]
    public async Task Edit_AllowErrors_SavesThem()
    {
        var result = await EditAsync("remove fetch\nsave\n", "--allow-errors");

        Assert.Equal(0, result.Code);
        Assert.DoesNotContain("\"id\": \"fetch\"", await System.IO.File.ReadAllTextAsync(File));
    }

    [Theory]
    [InlineData("ordr", "there is no workflow 'ordr'")]
    [InlineData("definitions/none.json", "there is no file 'definitions/none.json'")]
    [InlineData("definitions/broken.json", "is not valid JSON")]
    [InlineData("definitions/list.json", "must hold a JSON object")]
    public async Task Edit_NoUsableFile_SaysWhy(string argument, string message)
    {
        _tree.Write("definitions/broken.json", "{ // no comments\n}");
        _tree.Write("definitions/list.json", "[]");

        var (code, _, error) = await TestCli.RunAsync(_tree.Root, "", "edit", argument, "--workflows", _tree.Root);

        Assert.Equal(2, code);
        Assert.Contains(message, error);
    }

    private Task<(int Code, string Out, string Error)> EditAsync(string script, params string[] options) =>
        TestCli.RunAsync(_tree.Root, script, ["edit", "definitions/order.json", .. options]);
}
