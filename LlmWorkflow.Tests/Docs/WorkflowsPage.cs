using System.Text.RegularExpressions;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Docs;

/// <summary>docs/workflows.md, cut into its fenced blocks. What stands behind a block's language says what the block is.</summary>
internal static partial class WorkflowsPage
{
    public static string File { get; } = Path.Combine(Repository.Root, "docs", "workflows.md");

    public static string Text => System.IO.File.ReadAllText(File);

    /// <summary>The blocks, in order.</summary>
    public static IReadOnlyList<PageBlock> Blocks { get; } = [.. Fence().Matches(Text).Select(match =>
        new PageBlock(match.Groups["language"].Value, match.Groups["info"].Value.Trim(), match.Groups["text"].Value, Text[..match.Index].Count(c => c == '\n') + 1))];

    /// <summary>The definitions; one that the page shows in several versions comes several times.</summary>
    public static IReadOnlyList<PageDefinition> Definitions { get; } = [.. Blocks.Index().Where(block => block.Item.IsFile("definitions/")).Select(block =>
        new PageDefinition(block.Item, [.. Blocks.Skip(block.Index + 1).TakeWhile(next => !next.IsFile("definitions/"))]))];

    /// <summary>A workflows folder with the page's prompts and the last version of each of its definitions, beside what is shipped.</summary>
    public static WorkflowTree Tree()
    {
        var tree = new WorkflowTree();
        foreach (var block in Blocks.Where(block => block.IsFile("definitions/") || block.IsFile("prompts/")))
        {
            tree.Write(block.Info, block.Text);
        }

        return tree;
    }

    [GeneratedRegex("^```(?<language>[a-z]+)(?<info>[^\n]*)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}

/// <summary>A fenced block.</summary>
/// <param name="Language">First word behind the fence.</param>
/// <param name="Info">The rest of that line.</param>
/// <param name="Text">What is inside.</param>
/// <param name="Line">Where it begins.</param>
internal sealed record PageBlock(string Language, string Info, string Text, int Line)
{
    /// <summary>Whether it is a file of that folder.</summary>
    public bool IsFile(string folder) => Info.StartsWith(folder, StringComparison.Ordinal);

    public override string ToString() => $"docs/workflows.md:{Line} {Language} {Info}";
}

/// <summary>A definition with the blocks behind it, up to the next definition: its input, output and signals are among them.</summary>
internal sealed record PageDefinition(PageBlock Block, IReadOnlyList<PageBlock> Following)
{
    public string Name => Path.GetFileNameWithoutExtension(Block.Info);

    public string Input => Find("input") ?? "{}";

    public string? Output => Find("output");

    public IReadOnlyDictionary<string, string> Signals => Following.Where(block => block.IsFile("signal ")).ToDictionary(block => block.Info["signal ".Length..], block => block.Text);

    private string? Find(string info) => Following.FirstOrDefault(block => block.Language == "json" && block.Info == info)?.Text;
}
