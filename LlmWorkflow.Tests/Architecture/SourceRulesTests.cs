using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmWorkflow.Tests.Architecture;

/// <summary>Rules of the code that no analyser knows.</summary>
public sealed partial class SourceRulesTests
{
    [Fact]
    public void FileSizes_AllFiles_StayInBounds()
    {
        var sizes = SourceFile.All.Select(file => file.Text.AsSpan().Count('\n')).Order().ToArray();

        Assert.InRange(sizes[sizes.Length / 2], 1, 130);
        Assert.InRange(sizes[sizes.Length * 9 / 10], 1, 400);
        Assert.DoesNotContain(SourceFile.All, file => file.Text.AsSpan().Count('\n') > 800);
    }

    [Fact]
    public void Namespaces_EachFile_EqualItsFolder()
    {
        var wrong = SourceFile.All
            .Select(file => (file.Path, Folder: file.Folder.Replace('/', '.'), Declared: Namespace().Match(file.Text).Groups[1].Value))
            // Top-level programs have none.
            .Where(file => file.Declared != file.Folder && !(file.Declared.Length == 0 && IsProgram(file.Path)));

        Assert.Empty(wrong);
    }

    [Fact]
    public void Tests_AllFiles_SkipNone() => Assert.DoesNotContain(SourceFile.All, file => Skipped().IsMatch(file.Text));

    [Fact]
    public void LogEvents_WholeSolution_HaveIdsOfTheirOwn()
    {
        var ids = SourceFile.All
            .SelectMany(file => LogMessage().Matches(file.Text).Select(match => (file.Path, Id: match.Groups[1].Value)))
            .ToList();

        Assert.NotEmpty(ids);
        Assert.All(ids, message => Assert.True(int.TryParse(message.Id, CultureInfo.InvariantCulture, out _), $"{message.Path}: a log message has no id"));
        Assert.Empty(ids.GroupBy(message => message.Id).Where(same => same.Count() > 1).Select(same => string.Join(", ", same)));
    }

    private static bool IsProgram(string path) => path.EndsWith("/Program.cs", StringComparison.Ordinal) || path.EndsWith("/AppHost.cs", StringComparison.Ordinal);

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"\[(?:Fact|Theory|InlineData|MemberData)\([^\]]*\bSkip\s*=")]
    private static partial Regex Skipped();

    [GeneratedRegex(@"\[LoggerMessage\(\s*(?:EventId\s*=\s*)?(\w*)")]
    private static partial Regex LogMessage();
}
