using System.Text.RegularExpressions;

namespace LlmWorkflow.Engine.Prompts;

/// <summary>Finds the variables that a Handlebars text reads: names at the root, not members of an item inside <c>each</c> or <c>with</c>.</summary>
internal static partial class PromptVariables
{
    /// <summary>Most tags in a prompt: each is compiled.</summary>
    public const int MaxTags = 5000;

    /// <summary>Deepest nesting of blocks, <c>else if</c> included, and of parentheses: the compiler of Handlebars recurses, and a full stack ends the process.</summary>
    public const int MaxDepth = 64;

    private static readonly HashSet<string> s_helpers = new(["if", "unless", "each", "with", "lookup", "else", "log"], StringComparer.Ordinal);

    private static readonly HashSet<string> s_constants = new(["true", "false", "null", "undefined", "this", ".", "as"], StringComparer.Ordinal);

    /// <summary>The names, each once, in order of first use.</summary>
    /// <exception cref="PromptException">There are too many tags, or they are nested too deeply.</exception>
    public static IReadOnlyList<string> Find(string source)
    {
        List<string> names = [];
        Stack<Block> blocks = new();
        int tags = 0;
        foreach (Match tag in Tags(source))
        {
            ThrowIf(++tags > MaxTags, $"The prompt has more than {MaxTags} tags.");
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
            bool isElseIf = words is ["else", _, ..];
            ThrowIf(
                words.Count(word => word == "(") > MaxDepth || blocks.Sum(block => block.Branches) + (sign is '#' or '^' || isElseIf ? 1 : 0) > MaxDepth,
                $"The prompt's tags are nested deeper than {MaxDepth}.");
            if (isElseIf && blocks.TryPop(out Block open))
            {
                blocks.Push(open with { Branches = open.Branches + 1 });
            }

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
        return new Block(words[0] is not ("if" or "unless"), parameters, Branches: 1);
    }

    private static IEnumerable<Match> Tags(string source)
    {
        for (Match tag = Next(() => TagPattern().Match(source)); tag.Success; tag = Next(tag.NextMatch))
        {
            yield return tag;
        }
    }

    private static Match Next(Func<Match> find)
    {
        try
        {
            return find();
        }
        catch (RegexMatchTimeoutException)
        {
            throw new PromptException(PromptFault.TooLarge, "The prompt has too many tags without an end.");
        }
    }

    private static void ThrowIf(bool isTooLarge, string message)
    {
        if (isTooLarge)
        {
            throw new PromptException(PromptFault.TooLarge, message);
        }
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

    [GeneratedRegex(@"(?<!\\)\{\{(?:~?!--(?<comment>.*?)--~?|~?!(?<comment>[^}]*)|\{?~?(?<content>[^{}]*?)~?\}?)\}\}", RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 500)]
    private static partial Regex TagPattern();

    [GeneratedRegex("""[A-Za-z_]\w*="[^"]*"|"[^"]*"|'[^']*'|[()|]|[^\s()|]+""", RegexOptions.CultureInvariant)]
    private static partial Regex WordPattern();

    private readonly record struct Block(bool ChangesContext, IReadOnlyList<string> Parameters, int Branches);
}
