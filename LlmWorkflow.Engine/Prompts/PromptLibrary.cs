using System.Text;

namespace LlmWorkflow.Engine.Prompts;

/// <summary>The files under <c>prompts/</c>: raw text by relative path with forward slashes.</summary>
internal static class PromptLibrary
{
    /// <summary>Largest prompt file, and largest prompt with all its includes, in characters.</summary>
    public const int MaxLength = 1_048_576;

    /// <summary>Reads every <c>*.md</c> file; line ends become LF. Empty when the folder does not exist.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static IReadOnlyDictionary<string, string> Read(string promptsDirectory)
    {
        Dictionary<string, string> prompts = new(StringComparer.Ordinal);
        if (!Directory.Exists(promptsDirectory))
        {
            return prompts;
        }

        foreach (string file in Directory.EnumerateFiles(promptsDirectory, "*.md", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string path = Path.GetRelativePath(promptsDirectory, file).Replace('\\', '/');
            string text = File.ReadAllText(file, Encoding.UTF8);
            prompts[path] = text.Replace("\r\n", "\n", StringComparison.Ordinal);
        }

        return prompts;
    }
}
