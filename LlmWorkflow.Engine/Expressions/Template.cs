using System.Collections.Concurrent;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>A piece of a <see cref="Template"/>: text, or an expression.</summary>
internal readonly record struct TemplatePart(string Text, Expression? Expression);

/// <summary>A string with <c>${…}</c> in it, parsed. <c>$${</c> stands for a literal <c>${</c>.</summary>
internal sealed class Template
{
    // Templates come from definition files; the bound only guards against a process that sees very many versions.
    private const int MaxCached = 20_000;

    // A few texts of megabytes would outweigh all others, and their parsing is small beside their use.
    private const int MaxCachedLength = 65_536;

    private static readonly ConcurrentDictionary<string, Template> s_cache = new(StringComparer.Ordinal);

    private Template(IReadOnlyList<TemplatePart> parts) => Parts = parts;

    /// <summary>Text and expressions in order.</summary>
    public IReadOnlyList<TemplatePart> Parts { get; }

    /// <summary>The expression when the string is one <c>${…}</c> and nothing else; its value keeps its type.</summary>
    public Expression? Whole => Parts is [{ Expression: { } expression }] ? expression : null;

    /// <summary>The expressions in it.</summary>
    public IEnumerable<Expression> Expressions => Parts.Where(part => part.Expression is not null).Select(part => part.Expression!);

    /// <summary>Parses a string, or takes it from the cache.</summary>
    /// <exception cref="ExpressionSyntaxException">An expression in it is malformed; positions count from the string's start.</exception>
    public static Template Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (s_cache.TryGetValue(text, out Template? known))
        {
            return known;
        }

        if (text.Length > MaxCachedLength)
        {
            return new Template(Split(text));
        }

        if (s_cache.Count >= MaxCached)
        {
            s_cache.Clear();
        }

        return s_cache.GetOrAdd(text, new Template(Split(text)));
    }

    private static List<TemplatePart> Split(string text)
    {
        List<TemplatePart> parts = [];
        System.Text.StringBuilder literal = new();
        int at = 0;
        while (at < text.Length)
        {
            int dollar = text.IndexOf('$', at);
            if (dollar < 0)
            {
                literal.Append(text, at, text.Length - at);
                break;
            }

            literal.Append(text, at, dollar - at);
            ReadOnlySpan<char> rest = text.AsSpan(dollar);
            if (rest.StartsWith("$${", StringComparison.Ordinal))
            {
                literal.Append("${");
                at = dollar + 3;
            }
            else if (rest.StartsWith("${", StringComparison.Ordinal))
            {
                if (literal.Length > 0)
                {
                    parts.Add(new TemplatePart(literal.ToString(), null));
                    literal.Clear();
                }

                parts.Add(new TemplatePart("", ExpressionParser.ParseEmbedded(text, dollar + 2, out at)));
            }
            else
            {
                literal.Append('$');
                at = dollar + 1;
            }
        }

        if (literal.Length > 0)
        {
            parts.Add(new TemplatePart(literal.ToString(), null));
        }

        return parts;
    }
}
