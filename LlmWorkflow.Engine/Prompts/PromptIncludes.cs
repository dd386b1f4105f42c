using System.Text;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Prompts;

/// <summary>What is wrong with a prompt.</summary>
internal enum PromptFault
{
    /// <summary>The file does not exist.</summary>
    MissingPrompt,

    /// <summary>An included file does not exist.</summary>
    MissingInclude,

    /// <summary>The path leads out of <c>prompts/</c>.</summary>
    PathOutside,

    /// <summary>Files include each other in a circle.</summary>
    IncludeCycle,

    /// <summary>Too deep or too long.</summary>
    TooLarge,
}

/// <summary>A prompt cannot be put together.</summary>
public sealed class PromptException : Exception
{
    internal PromptException(PromptFault fault, string message, string? suggestion = null)
        : base(message)
    {
        Fault = fault;
        Suggestion = suggestion;
    }

    /// <summary>What to do about it; null when the message says all.</summary>
    public string? Suggestion { get; }

    internal PromptFault Fault { get; }
}

/// <summary>Replaces <c>{{include:path}}</c> by the file's text. Paths start at <c>prompts/</c>, wherever the including file lies.</summary>
internal sealed partial class PromptIncludes
{
    /// <summary>Deepest chain of includes.</summary>
    public const int MaxDepth = 32;

    /// <summary>Most includes in one prompt, those of included files counted each time: empty files that include each other twice would never be too long.</summary>
    public const int MaxIncludes = 1000;

    private readonly IReadOnlyDictionary<string, string> _prompts;
    private readonly ISet<string>? _used;
    private readonly List<string> _chain = [];
    private int _count;

    private PromptIncludes(IReadOnlyDictionary<string, string> prompts, ISet<string>? used)
    {
        _prompts = prompts;
        _used = used;
    }

    /// <summary>The text of a file with all includes put in.</summary>
    /// <exception cref="PromptException">It, or an include, is missing, outside, circular or too large.</exception>
    public static string ExpandFile(string path, IReadOnlyDictionary<string, string> prompts, ISet<string>? used = null)
    {
        ThrowIfOutside(path);
        if (!prompts.TryGetValue(path, out string? text))
        {
            throw new PromptException(PromptFault.MissingPrompt, $"There is no prompt '{path}' under prompts/.", NearestNames.Suggest(path, [.. prompts.Keys]));
        }

        used?.Add(path);
        PromptIncludes includes = new(prompts, used);
        includes._chain.Add(path);
        return includes.Expand(text);
    }

    /// <summary>A text with all includes put in.</summary>
    /// <exception cref="PromptException">An include is missing, outside, circular or too large.</exception>
    public static string ExpandText(string text, IReadOnlyDictionary<string, string> prompts, ISet<string>? used = null) =>
        new PromptIncludes(prompts, used).Expand(text);

    private string Expand(string text)
    {
        ThrowIfTooLong(text.Length);
        StringBuilder result = new();
        int at = 0;
        foreach (Match include in IncludePattern().Matches(text))
        {
            result.Append(text, at, include.Index - at);
            result.Append(Included(include.Groups[1].Value.Trim()));
            at = include.Index + include.Length;
            ThrowIfTooLong(result.Length);
        }

        result.Append(text, at, text.Length - at);
        ThrowIfTooLong(result.Length);
        return result.ToString();
    }

    private string Included(string path)
    {
        ThrowIfOutside(path);
        if (_chain.Contains(path))
        {
            throw new PromptException(PromptFault.IncludeCycle, $"Prompts include each other in a circle: {string.Join(" → ", [.. _chain, path])}.");
        }

        if (_chain.Count >= MaxDepth)
        {
            throw new PromptException(PromptFault.TooLarge, $"Includes are nested deeper than {MaxDepth}: {_chain[0]} … {path}.");
        }

        if (++_count > MaxIncludes)
        {
            throw new PromptException(PromptFault.TooLarge, $"The prompt has more than {MaxIncludes} includes, those of included files counted each time.");
        }

        if (!_prompts.TryGetValue(path, out string? text))
        {
            string from = _chain.Count == 0 ? "" : $" (included by '{_chain[^1]}')";
            throw new PromptException(PromptFault.MissingInclude, $"There is no prompt '{path}' under prompts/{from}.", NearestNames.Suggest(path, [.. _prompts.Keys]));
        }

        _used?.Add(path);
        _chain.Add(path);
        // The line end before the end of an included file is the editor's, not the author's.
        string expanded = Expand(text.TrimEnd('\n'));
        _chain.RemoveAt(_chain.Count - 1);
        return expanded;
    }

    private static void ThrowIfOutside(string path)
    {
        if (path.Length == 0 || path.StartsWith('/') || path.Contains('\\') || path.Contains(':') || path.Contains('\0')
            || path.Split('/').Any(segment => segment is "" or "." or ".."))
        {
            throw new PromptException(
                PromptFault.PathOutside, $"'{Shorten(path)}' is not a path inside prompts/.", "Write the path from prompts/ on, with forward slashes and without '..'.");
        }
    }

    private static void ThrowIfTooLong(int length)
    {
        if (length > PromptLibrary.MaxLength)
        {
            throw new PromptException(PromptFault.TooLarge, $"The prompt with its includes is longer than {PromptLibrary.MaxLength} characters.");
        }
    }

    private static string Shorten(string path) => path.Length <= 200 ? path : path[..200] + "…";

    [GeneratedRegex(@"\{\{\s*include:([^{}]*)\}\}", RegexOptions.CultureInvariant)]
    private static partial Regex IncludePattern();
}
