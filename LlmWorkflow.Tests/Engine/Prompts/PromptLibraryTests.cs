using LlmWorkflow.Engine.Prompts;

namespace LlmWorkflow.Tests.Engine.Prompts;

public sealed class PromptLibraryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("llmworkflow-prompts-").FullName;

    public PromptLibraryTests()
    {
        Directory.CreateDirectory(Path.Combine(Prompts, "shared"));
        File.WriteAllText(Path.Combine(Prompts, "a.md"), "one\r\ntwo\n");
        File.WriteAllText(Path.Combine(Prompts, "shared", "tone.md"), "kind");
        File.WriteAllText(Path.Combine(Prompts, "notes.txt"), "no prompt");
        File.WriteAllText(Path.Combine(_folder, "secret.md"), "secret");
    }

    private string Prompts => Path.Combine(_folder, "prompts");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_Folder_GivesMarkdownByPath()
    {
        Assert.Equal(["a.md=one\ntwo\n", "shared/tone.md=kind"], PromptLibrary.Read(Prompts).Select(prompt => $"{prompt.Key}={prompt.Value}"));
        Assert.Empty(PromptLibrary.Read(Path.Combine(_folder, "none")));
    }

    [Fact]
    public void Read_LinksInside_AreFollowed()
    {
        File.CreateSymbolicLink(Path.Combine(Prompts, "b.md"), "a.md");
        Directory.CreateSymbolicLink(Path.Combine(Prompts, "common"), "shared");
        Directory.CreateSymbolicLink(Path.Combine(_folder, "linked"), Prompts);

        Assert.Equal(["a.md", "b.md", "common/tone.md", "shared/tone.md"], PromptLibrary.Read(Path.Combine(_folder, "linked")).Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Read_LinksThatLeadOutOrNowhere_AreLeftOut()
    {
        File.CreateSymbolicLink(Path.Combine(Prompts, "out.md"), "../secret.md");
        File.CreateSymbolicLink(Path.Combine(Prompts, "absolute.md"), Path.Combine(_folder, "secret.md"));
        Directory.CreateSymbolicLink(Path.Combine(Prompts, "up"), "..");
        Directory.CreateSymbolicLink(Path.Combine(Prompts, "self"), ".");
        Directory.CreateSymbolicLink(Path.Combine(Prompts, "shared", "back"), "..");
        File.CreateSymbolicLink(Path.Combine(Prompts, "loop.md"), "loop.md");
        File.CreateSymbolicLink(Path.Combine(Prompts, "broken.md"), "gone.md");

        Assert.Equal(["a.md", "shared/tone.md"], PromptLibrary.Read(Prompts).Keys);
    }

    [Fact]
    public void Read_VeryLargeFile_IsNotReadWhole()
    {
        File.WriteAllText(Path.Combine(Prompts, "a.md"), new string('x', 8 * PromptLibrary.MaxLength));

        Assert.InRange(PromptLibrary.Read(Prompts)["a.md"].Length, PromptLibrary.MaxLength + 1, 3 * PromptLibrary.MaxLength);
    }
}
