using System.Text.RegularExpressions;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Architecture;

/// <summary>A C# file of the repository. Generated files are left out.</summary>
/// <param name="Path">From the root of the repository, with '/'.</param>
/// <param name="Text">Its text.</param>
internal sealed partial record SourceFile(string Path, string Text)
{
    /// <summary>Every source file of the solution.</summary>
    public static IReadOnlyList<SourceFile> All { get; } = Read();

    /// <summary>Its folder, with '/'.</summary>
    public string Folder => Path[..Path.LastIndexOf('/')];

    /// <summary>Its text without comments and string literals on one line, so that prose is not taken for code. Line breaks stay.</summary>
    public string Code { get; } = NoCode().Replace(Text, string.Empty);

    private static SourceFile[] Read() =>
    [
        .. Directory.EnumerateDirectories(Repository.Root, "LlmWorkflow.*")
            .SelectMany(project => Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories))
            .Select(file => (Name: System.IO.Path.GetRelativePath(Repository.Root, file).Replace('\\', '/'), File: file))
            .Where(file => !file.Name.Split('/').Any(part => part is "bin" or "obj"))
            .OrderBy(file => file.Name, StringComparer.Ordinal)
            .Select(file => new SourceFile(file.Name, File.ReadAllText(file.File))),
    ];

    [GeneratedRegex("""//.*|"(?:[^"\\\r\n]|\\.)*["]""")]
    private static partial Regex NoCode();
}
