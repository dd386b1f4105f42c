using System.Globalization;

namespace LlmWorkflow.Cli.Costs;

/// <summary>Rows in columns, for people: the first columns to the left, numbers to the right.</summary>
/// <param name="leftColumns">How many columns are names.</param>
internal sealed class TextTable(int leftColumns)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row; null is shown as <c>-</c>.</summary>
    public void Add(params IEnumerable<object?> cells) => _rows.Add([.. cells.Select(cell => cell is null ? "-" : Convert.ToString(cell, CultureInfo.InvariantCulture)!)]);

    /// <inheritdoc/>
    public override string ToString()
    {
        var widths = Enumerable.Range(0, _rows.Max(row => row.Length)).Select(column => _rows.Max(row => column < row.Length ? row[column].Length : 0)).ToArray();
        return string.Join(
            Environment.NewLine,
            _rows.Select(row => string.Join("  ", row.Select((cell, column) => column < leftColumns ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd()));
    }
}
