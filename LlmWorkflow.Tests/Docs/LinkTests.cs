using System.Text.RegularExpressions;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Docs;

/// <summary>Links in the documentation lead somewhere.</summary>
public sealed partial class LinkTests
{
    [Fact]
    public void Links_AllPages_LeadToExistingFilesAndHeadings()
    {
        var pages = Directory.EnumerateFiles(Repository.Root, "*.md")
            .Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories))
            .ToList();
        var links = pages
            .SelectMany(page => Link().Matches(NoCode(page)).Select(match => (Page: page, Target: match.Groups[1].Value)))
            .Where(link => !link.Target.Contains("://", StringComparison.Ordinal))
            .ToList();

        Assert.Contains(pages, page => Path.GetFileName(page) == "README.md");
        Assert.NotEmpty(links);
        Assert.Empty(links.Where(link => !Leads(link.Page, link.Target)).Select(link => $"{Path.GetRelativePath(Repository.Root, link.Page)}: {link.Target}"));
    }

    private static bool Leads(string page, string target)
    {
        var parts = target.Split('#');
        var path = parts[0].Length == 0 ? page : Path.GetFullPath(parts[0], Path.GetDirectoryName(page)!);
        return (File.Exists(path) || Directory.Exists(path)) && (parts.Length == 1 || Headings(path).Contains(parts[1]));
    }

    // As GitHub makes anchors: lower case, blanks to '-', punctuation gone.
    private static IEnumerable<string> Headings(string page) => Heading().Matches(NoCode(page))
        .Select(match => NotInAnchor().Replace(match.Groups[1].Value.Trim().ToLowerInvariant(), string.Empty).Replace(' ', '-'));

    private static string NoCode(string page) => Fence().Replace(File.ReadAllText(page), string.Empty);

    [GeneratedRegex(@"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex("^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
