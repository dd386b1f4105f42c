using System.Text.Json;

namespace LlmWorkflow.Cli.Authoring.Text;

/// <summary>Something to be put into a JSON text: a new value, or a piece of the text that moves as it is written.</summary>
internal sealed class JsonFragment
{
    private readonly JsonElement _value;
    private readonly bool _expands;
    private readonly string? _raw;
    private readonly string _rawIndent = "";

    private JsonFragment(JsonElement value, bool expands) => (_value, _expands) = (value, expands);

    private JsonFragment(string raw, string rawIndent) => (_raw, _rawIndent) = (raw, rawIndent);

    /// <summary>Property name in front of it; null in a list.</summary>
    public string? Name { get; init; }

    /// <summary>Whether it can stand on one line.</summary>
    public bool FitsOneLine => _raw is null ? !_expands : !_raw.Contains('\n', StringComparison.Ordinal);

    /// <summary>A new value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="expands">Each of its members gets a line, however short it is.</param>
    /// <param name="name">Property name in front of it.</param>
    public static JsonFragment Of(JsonElement value, bool expands = false, string? name = null) => new(value, expands) { Name = name };

    /// <summary>A piece of a text.</summary>
    /// <param name="raw">As written.</param>
    /// <param name="indent">Indentation of the line on which it starts.</param>
    public static JsonFragment Of(string raw, string indent) => new(raw, indent);

    /// <summary>On one line, as far as it can.</summary>
    public string Inline() => Named(_raw ?? JsonLayout.Inline(_value));

    /// <summary>Written for a line with that indentation.</summary>
    public string Render(string indent, string unit, string newLine) => Named(_raw is null
        ? JsonLayout.Render(_value, indent, unit, newLine, _expands)
        : _raw.Replace("\n" + _rawIndent, "\n" + indent, StringComparison.Ordinal));

    private string Named(string value) => Name is null ? value : $"{JsonLayout.Text(Name)}: {value}";
}
