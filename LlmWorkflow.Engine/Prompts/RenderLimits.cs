using System.Globalization;

namespace LlmWorkflow.Engine.Prompts;

/// <summary>Counts what one rendering does, so that loops in loops end.</summary>
internal sealed class RenderBudget
{
    /// <summary>Most items and members that the loops of one prompt may visit: far more than a model can read.</summary>
    public const int MaxVisits = 200_000;

    private int _visits;

    /// <summary>Counts one item.</summary>
    /// <exception cref="PromptException">There were too many.</exception>
    public void Visit()
    {
        if (++_visits > MaxVisits)
        {
            throw new PromptException(PromptFault.TooLarge, $"The loops of the prompt visit more than {MaxVisits} items.");
        }
    }
}

/// <summary>Collects the rendered text up to a limit.</summary>
internal sealed class RenderedText() : StringWriter(CultureInfo.InvariantCulture)
{
    /// <summary>Longest rendered prompt, in characters: as much as an expression may make, and more than most models take.</summary>
    public const int MaxLength = 4 * 1_048_576;

    public override void Write(char value)
    {
        base.Write(value);
        ThrowIfTooLong();
    }

    public override void Write(char[] buffer, int index, int count)
    {
        base.Write(buffer, index, count);
        ThrowIfTooLong();
    }

    public override void Write(ReadOnlySpan<char> buffer)
    {
        base.Write(buffer);
        ThrowIfTooLong();
    }

    public override void Write(string? value)
    {
        base.Write(value);
        ThrowIfTooLong();
    }

    private void ThrowIfTooLong()
    {
        if (GetStringBuilder().Length > MaxLength)
        {
            throw new PromptException(PromptFault.TooLarge, $"The rendered prompt is longer than {MaxLength} characters.");
        }
    }
}
