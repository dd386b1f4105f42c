using System.Text.Json;
using LlmWorkflow.Cli.Authoring;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Cli.Authoring;

public sealed class NewCommandTests : IDisposable
{
    private readonly WorkflowTree _tree = new();

    public static TheoryData<string> Templates => [.. WorkflowTemplate.All.Select(template => template.Name)];

    public void Dispose() => _tree.Dispose();

    [Theory]
    [MemberData(nameof(Templates))]
    public async Task New_Template_IsValidAtOnce(string template)
    {
        var made = await NewAsync("my_flow", "--template", template);
        var checkedAll = await TestCli.RunAsync(_tree.Root, "", "validate", "--workflows", _tree.Root, "--strict", "--quiet");

        Assert.Equal((0, ""), (made.Code, made.Error));
        Assert.Contains("llmflow validate my_flow", made.Out);
        Assert.Equal((0, "", ""), checkedAll);
        Assert.All(Directory.EnumerateFiles(_tree.Root, "*", SearchOption.AllDirectories), file => Assert.DoesNotContain("_NAME_", file + File.ReadAllText(file)));
    }

    [Theory]
    [InlineData("minimal", """{"name": "Ada"}""", """{"greeting": "Hello, Ada!"}""")]
    [InlineData("branches", """{"items": [{"name": "a", "price": 900}, {"name": "b", "price": 200}]}""", """{"total": 1100, "message": "A large order: somebody will call."}""")]
    [InlineData("branches", """{"items": [{"name": "a", "price": 150}, {"name": "b", "price": 2}]}""", """{"total": 152, "message": "Sent insured: 1 dear items."}""")]
    [InlineData("branches", """{"items": []}""", """{"total": 0, "message": "Sent by mail."}""")]
    [InlineData("foreach", """{"people": [{"name": "Ada", "email": "ADA@example.com"}, {"name": "Bob"}]}""", """{"letters": [{"to": "ada@example.com", "number": 1, "text": "Dear Ada,"}]}""")]
    [InlineData("approval", """{"text": "News"}""", """{"result": "Published: News"}""", "review={\"approved\": true}")]
    [InlineData("approval", """{"text": "News"}""", """{"result": "Rejected: too short"}""", "review={\"approved\": false, \"comment\": \"too short\"}")]
    public async Task New_TemplateWithoutUpstream_Runs(string template, string input, string output, string? signal = null)
    {
        await NewAsync("my_flow", "--template", template);

        string[] signals = signal is null ? [] : ["--signal", signal];
        var run = await TestCli.RunAsync(_tree.Root, "", ["run", "my_flow", "--workflows", _tree.Root, "--input-json", input, .. signals]);

        Assert.True(run.Code == 0, run.Error);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(output), JsonElement.Parse(run.Out)), run.Out);
    }

    [Fact]
    public async Task New_FileExists_IsRefusedWithoutForce()
    {
        await NewAsync("my_flow", "--template", "llm");
        File.Delete(Path.Combine(_tree.Root, "definitions", "my_flow.json"));
        _tree.Write("prompts/my_flow/user.md", "mine");

        var refused = await NewAsync("my_flow", "--template", "llm");

        Assert.Equal(2, refused.Code);
        Assert.Contains("prompts/my_flow/user.md", refused.Error);
        Assert.False(File.Exists(Path.Combine(_tree.Root, "definitions", "my_flow.json")));
        Assert.Equal(0, (await NewAsync("my_flow", "--template", "llm", "--force")).Code);
        Assert.NotEqual("mine", await File.ReadAllTextAsync(Path.Combine(_tree.Root, "prompts", "my_flow", "user.md")));
    }

    [Theory]
    [InlineData("My-Flow")]
    [InlineData("../flow")]
    [InlineData("1st")]
    public async Task New_NoName_IsRefused(string name)
    {
        var (code, _, error) = await NewAsync(name);

        Assert.Equal(2, code);
        Assert.Contains($"'{name}' is no workflow name: a lower-case letter, then up to 99 lower-case letters, digits and '_'", error);
    }

    [Fact]
    public async Task New_FolderThatIsNotThere_IsMade()
    {
        var folder = Path.Combine(_tree.Root, "fresh");

        var (code, output, _) = await TestCli.RunAsync(_tree.Root, "", "new", "my_flow", "--dir", "fresh");

        Assert.Equal(0, code);
        Assert.StartsWith("wrote fresh/definitions/my_flow.json\n", output.Replace('\\', '/'));
        Assert.Contains("llmflow schema -o", output);
        Assert.True(File.Exists(Path.Combine(folder, "definitions", "my_flow.json")));
    }

    [Fact]
    public async Task List_AllTemplates_SaysWhatTheyShow()
    {
        var (code, output, _) = await TestCli.RunAsync(_tree.Root, "", "new", "--list");

        Assert.Equal(0, code);
        Assert.Equal(["minimal", "llm", "api", "branches", "foreach", "approval"], output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0]));
    }

    private Task<(int Code, string Out, string Error)> NewAsync(params string[] args) => TestCli.RunAsync(_tree.Root, "", ["new", "--workflows", _tree.Root, .. args]);
}
