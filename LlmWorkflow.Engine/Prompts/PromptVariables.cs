using System.Text.RegularExpressions;

namespace LlmWorkflow.Engine.Prompts;

/// <summary>Finds the variables that a Handlebars text reads: names at the root, not members of an item inside <c>each</c> or <c>with</c>.</summary>
internal static partial class PromptVariables
{
    private static readonly HashSet<string> s_helpers = new(["if", "unless", "each", "with", "lookup", "else", "log"], StringComparer.Ordinal);

    private static readonly HashSet<string> s_constants = new(["true", "false", "null", "undefined", "this", ".", "as"], StringComparer.Ordinal);

    /// <summary>The names, each once, in order of first use.</summary>
    public static IReadOnlyList<string> Find(string source)
    {
        List<string> names = [];
        Stack<Block> blocks = new();
        foreach (Match tag in TagPattern().Matches(source))
        {
            string content = tag.Groups["content"].Value.Trim();
            if (tag.Groups["comment"].Success || content.Length == 0)
            {
                continue;
            }

            if (content[0] == '/')
            {
                _ = blocks.TryPop(out _);
                continue;
            }

            char sign = content[0];
            List<string> words = [.. WordPattern().Matches(content.TrimStart('#', '^', '&', '>', '*')).Select(word => word.Value)];
            foreach (string word in Operands(words))
            {
                AddRoot(word, blocks, names);
            }

            if (sign is '#' or '^' && words.Count > 0)
            {
                blocks.Push(Open(words));
            }
        }

        return names;
    }

    private static IEnumerable<string> Operands(List<string> words)
    {
        int bar = words.IndexOf("|");
        IEnumerable<string> operands = bar >= 0 ? words.Take(bar) : words;
        return operands.Where((word, index) => !(index <= 1 && s_helpers.Contains(word) && (index == 0 || words[0] == "else")) && word != "(" && word != ")");
    }

    private static Block Open(List<string> words)
    {
        int bar = words.IndexOf("|");
        List<string> parameters = bar >= 0 ? [.. words.Skip(bar + 1).Where(word => word != "|")] : [];
        return new Block(words[0] is not ("if" or "unless"), parameters);
    }

    private static void AddRoot(string word, Stack<Block> blocks, List<string> names)
    {
        string path = word.Contains('=', StringComparison.Ordinal) ? word[(word.IndexOf('=', StringComparison.Ordinal) + 1)..] : word;
        int level = blocks.Count(block => block.ChangesContext);
        if (path.StartsWith("@root.", StringComparison.Ordinal))
        {
            path = path["@root.".Length..];
            level = 0;
        }

        while (path.StartsWith("../", StringComparison.Ordinal))
        {
            path = path[3..];
            level--;
        }

        string name = path.Split('.', '/')[0].Trim('[', ']');
        bool isValue = name.Length > 0 && (char.IsLetter(name[0]) || name[0] == '_') && !s_constants.Contains(name);
        if (isValue && level <= 0 && !blocks.Any(block => block.Parameters.Contains(name)) && !names.Contains(name))
        {
            names.Add(name);
        }
    }

    [GeneratedRegex(@"(?<!\\)\{\{(?:~?!--(?<comment>.*?)--~?|~?!(?<comment>[^}]*)|\{?~?(?<content>[^{}]*?)~?\}?)\}\}", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex TagPattern();

    [GeneratedRegex("""[A-Za-z_]\w*="[^"]*"|"[^"]*"|'[^']*'|[()|]|[^\s()|]+""", RegexOptions.CultureInvariant)]
    private static partial Regex WordPattern();

    private readonly record struct Block(bool ChangesContext, IReadOnlyList<string> Parameters);
}
