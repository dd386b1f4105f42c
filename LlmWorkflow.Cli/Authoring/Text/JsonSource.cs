using System.Text.Json;

namespace LlmWorkflow.Cli.Authoring.Text;

/// <summary>A JSON text that is edited in place: what an edit does not touch stays as it is written, character by character.</summary>
internal sealed class JsonSource
{
    // Characters of a line, above which a list or object gets a line per child.
    private const int MaxLine = 140;

    /// <summary>Reads a text.</summary>
    /// <exception cref="JsonException">It is malformed.</exception>
    /// <exception cref="InvalidOperationException">An escape in it is half a character.</exception>
    public JsonSource(string text)
    {
        Text = text;
        Root = JsonSpan.Parse(text);
        NewLine = text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        Unit = Root.Children is [var first, ..] && IsSpread(Root) && IndentAt(first.OuterStart) is { Length: > 0 } indent ? indent : "  ";
    }

    /// <summary>The whole.</summary>
    public string Text { get; }

    /// <summary>Its value.</summary>
    public JsonSpan Root { get; }

    private string NewLine { get; }

    private string Unit { get; }

    /// <summary>A value as it is written, ready to be put elsewhere.</summary>
    public JsonFragment Cut(JsonSpan span) => JsonFragment.Of(Text[span.Start..span.End], IndentAt(span.Start));

    /// <summary>The text with another value in the place of one.</summary>
    public string Replace(JsonSpan span, JsonFragment value) => Splice(
        span.Start,
        span.End,
        span.Parent is { } parent && IsOneLine(parent) ? value.Inline() : value.Render(IndentAt(span.OuterStart), Unit, NewLine));

    /// <summary>The text with a child more.</summary>
    /// <param name="container">Object or list.</param>
    /// <param name="index">What index it gets.</param>
    /// <param name="child">What is put in.</param>
    public string Insert(JsonSpan container, int index, JsonFragment child)
    {
        var children = container.Children;
        if (children.Count == 0)
        {
            return Fill(container, child);
        }

        if (IsOneLine(container))
        {
            var isLong = container.End - LineStart(container.Start) + child.Inline().Length + 2 > MaxLine;
            return child.FitsOneLine && !isLong ? Between(container, index, ", ", child.Inline()) : Spread(container, index, child);
        }

        var indent = IsSpread(container) ? IndentAt(children[0].OuterStart) : IndentAt(container.Start);
        var text = child.Render(indent, Unit, NewLine);
        return Between(container, index, IsSpread(container) ? "," + NewLine + indent : ", ", text);
    }

    /// <summary>The text without a value, and without its property name.</summary>
    public string Remove(JsonSpan span)
    {
        var parent = span.Parent!;
        return parent.Children.Count == 1
            ? Splice(parent.Start, parent.End, parent.Kind is JsonValueKind.Object ? "{}" : "[]")
            : span.Index == 0
                ? Splice(span.OuterStart, parent.Children[1].OuterStart, "")
                : Splice(parent.Children[span.Index - 1].End, span.End, "");
    }

    private string Fill(JsonSpan container, JsonFragment child)
    {
        var indent = IndentAt(container.Start);
        var inner = indent + Unit;
        var text = child.Render(inner, Unit, NewLine);
        var (open, close) = Brackets(container);
        var isSpread = !child.FitsOneLine || text.Contains('\n', StringComparison.Ordinal) || container.Parent is null;
        var space = container.Kind is JsonValueKind.Object ? " " : "";
        return Splice(container.Start, container.End, isSpread ? $"{open}{NewLine}{inner}{text}{NewLine}{indent}{close}" : $"{open}{space}{text}{space}{close}");
    }

    private string Between(JsonSpan container, int index, string separator, string text)
    {
        if (index < container.Children.Count)
        {
            var at = container.Children[index].OuterStart;
            return Splice(at, at, text + separator);
        }

        var end = container.Children[^1].End;
        return Splice(end, end, separator + text);
    }

    private string Spread(JsonSpan container, int index, JsonFragment child)
    {
        var indent = IndentAt(container.Start);
        var inner = indent + Unit;
        List<string> parts = [.. container.Children.Select(known => Text[known.OuterStart..known.End])];
        parts.Insert(index, child.Render(inner, Unit, NewLine));
        var (open, close) = Brackets(container);
        return Splice(container.Start, container.End, $"{open}{NewLine}{inner}{string.Join($",{NewLine}{inner}", parts)}{NewLine}{indent}{close}");
    }

    private static (char Open, char Close) Brackets(JsonSpan container) => container.Kind is JsonValueKind.Object ? ('{', '}') : ('[', ']');

    private bool IsOneLine(JsonSpan container) => !Text.AsSpan(container.Start, container.End - container.Start).Contains('\n');

    // Whether the first child stands on a line of its own.
    private bool IsSpread(JsonSpan container) => Text.AsSpan(container.Start, container.Children[0].OuterStart - container.Start).Contains('\n');

    private int LineStart(int position) => position == 0 ? 0 : Text.LastIndexOf('\n', position - 1) + 1;

    private string IndentAt(int position)
    {
        var start = LineStart(position);
        var end = start;
        while (end < Text.Length && Text[end] is (' ' or '\t'))
        {
            end++;
        }

        return Text[start..end];
    }

    private string Splice(int start, int end, string text) => string.Concat(Text.AsSpan(0, start), text, Text.AsSpan(end));
}
