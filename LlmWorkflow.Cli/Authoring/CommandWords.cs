using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>A command line cut into words. Quotes, single or double, keep spaces together.</summary>
internal sealed class CommandWords(string line)
{
    private int _at;

    /// <summary>Whether all has been read.</summary>
    public bool IsAtEnd => Peek() is null;

    /// <summary>The next word; null at the end.</summary>
    public string? Next()
    {
        var (word, end) = Read();
        _at = end;
        return word;
    }

    /// <summary>The next word, which stays the next one; null at the end.</summary>
    public string? Peek() => Read().Word;

    /// <summary>The next word.</summary>
    /// <exception cref="EditException">There is none.</exception>
    public string Next(string what) => Next() ?? throw new EditException($"{what} is missing.");

    /// <summary>Takes the next word if it is that one.</summary>
    public bool Takes(string word)
    {
        if (Peek() != word)
        {
            return false;
        }

        Next();
        return true;
    }

    /// <summary>All that is left as a value: see <see cref="Value"/>.</summary>
    public JsonElement RestAsValue()
    {
        var rest = line[_at..].Trim();
        _at = line.Length;
        return Value(rest);
    }

    /// <summary>Nothing may be left.</summary>
    /// <exception cref="EditException">Something is.</exception>
    public void End()
    {
        if (Peek() is { } word)
        {
            throw new EditException($"'{word}' is one word too many.");
        }
    }

    /// <summary>A value as people type it: JSON; anything else is text, and so is what stands in single quotes.</summary>
    /// <exception cref="EditException">It is empty, or starts like JSON and is none.</exception>
    public static JsonElement Value(string typed)
    {
        if (typed is ['\'', .. var text, '\''])
        {
            return JsonElement.Parse(Text.JsonLayout.Text(text));
        }

        try
        {
            return JsonElement.Parse(typed, new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException e) when (typed.Length == 0 || typed[0] is '{' or '[' or '"')
        {
            var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            throw new EditException(typed.Length == 0
                ? "The value is missing. An empty text is \"\"."
                : $"The value is no valid JSON: {(end < 0 ? e.Message : e.Message[..end])} Text that starts like this goes in single quotes.");
        }
        catch (JsonException)
        {
            return JsonElement.Parse(Text.JsonLayout.Text(typed));
        }
    }

    private (string? Word, int End) Read()
    {
        var at = _at;
        while (at < line.Length && char.IsWhiteSpace(line[at]))
        {
            at++;
        }

        if (at >= line.Length)
        {
            return (null, at);
        }

        StringBuilder word = new();
        for (char? quote = null; at < line.Length && (quote is not null || !char.IsWhiteSpace(line[at])); at++)
        {
            if (line[at] == quote)
            {
                quote = null;
            }
            else if (quote is null && line[at] is ('"' or '\''))
            {
                quote = line[at];
            }
            else
            {
                word.Append(line[at]);
            }
        }

        return (word.ToString(), at);
    }
}
