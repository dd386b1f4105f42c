using System.Text;

namespace LlmWorkflow.Engine.Prompts;

/// <summary>The files under <c>prompts/</c>: raw text by relative path with forward slashes.</summary>
internal static class PromptLibrary
{
    /// <summary>Largest prompt file, and largest prompt with all its includes, in characters.</summary>
    public const int MaxLength = 1_048_576;

    /// <summary>Most files, so that links that lead back into the folder cannot multiply without end.</summary>
    public const int MaxFiles = 10_000;

    /// <summary>
    /// Reads every <c>*.md</c> file; line ends become LF. Links are followed as long as they stay in the folder: what they lead to outside is as if it did not
    /// exist. Empty when the folder does not exist.
    /// </summary>
    /// <exception cref="IOException">A file cannot be read, or there are too many.</exception>
    public static IReadOnlyDictionary<string, string> Read(string promptsDirectory)
    {
        Dictionary<string, string> prompts = new(StringComparer.Ordinal);
        if (Directory.Exists(promptsDirectory) && RealPath(Path.GetFullPath(promptsDirectory)) is { } root)
        {
            Read(root, "", [root], prompts);
        }

        return prompts;
    }

    private static void Read(string directory, string prefix, List<string> chain, Dictionary<string, string> prompts)
    {
        foreach (string entry in Directory.EnumerateFileSystemEntries(directory).Order(StringComparer.Ordinal))
        {
            string path = prefix + Path.GetFileName(entry);
            if (RealPath(entry) is not { } real || !real.StartsWith(chain[0] + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            {
                continue;
            }

            if (Directory.Exists(real) && !chain.Contains(real))
            {
                Read(real, path + "/", [.. chain, real], prompts);
            }
            else if (path.EndsWith(".md", StringComparison.Ordinal) && File.Exists(real))
            {
                prompts[path] = prompts.Count < MaxFiles
                    ? ReadText(real)
                    : throw new IOException($"There are more than {MaxFiles} prompts.");
            }
        }
    }

    /// <summary>Not the whole of a file that is too long: the rest is not needed to refuse it.</summary>
    private static string ReadText(string file)
    {
        using StreamReader reader = new(file, Encoding.UTF8);
        StringBuilder text = new();
        char[] buffer = new char[16_384];
        for (int count = reader.Read(buffer); count > 0 && text.Length <= 2 * MaxLength; count = reader.Read(buffer))
        {
            text.Append(buffer, 0, count);
        }

        return text.Replace("\r\n", "\n").ToString();
    }

    /// <summary>The path without links; null when a link leads nowhere.</summary>
    private static string? RealPath(string path)
    {
        string real = Path.GetPathRoot(path)!;
        foreach (string segment in path[real.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            FileInfo entry = new(Path.Combine(real, segment));
            try
            {
                real = entry.LinkTarget is null ? entry.FullName : RealPath(entry.ResolveLinkTarget(returnFinalTarget: true)!.FullName) ?? "";
            }
            catch (IOException)
            {
                // A link that leads back to itself.
                return null;
            }

            if (real.Length == 0)
            {
                return null;
            }
        }

        return Path.Exists(real) ? real : null;
    }
}
