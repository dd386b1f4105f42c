using System.Text.RegularExpressions;

namespace LlmWorkflow.Engine.Costs;

/// <summary>
/// Finds the prices of a model id, in this order:
/// <list type="number">
/// <item>the id as it is, without regard to case: a model's name or one of its aliases;</item>
/// <item>without the date of a snapshot (<c>claude-haiku-4-5-20251001</c>, <c>gpt-4o-2024-11-20</c>, <c>claude-opus-4@20250514</c>): a snapshot
/// costs what the model costs, unless the book lists the snapshot itself;</item>
/// <item>without an OpenRouter variant that only chooses among hosts or moderates (<c>:nitro</c>, <c>:floor</c>, <c>:exacto</c>, <c>:beta</c>), or that
/// adds searches (<c>:online</c>), whose fee is not known here and is noticed as an unknown term.</item>
/// </list>
/// Any other variant is another product: <c>:free</c> has a price only where the book lists it.
/// </summary>
internal static partial class ModelIds
{
    private const string Online = "online";

    private static readonly string[] s_samePrice = ["nitro", "floor", "exacto", "beta", Online];

    /// <summary>The prices of an id; null when the book has none.</summary>
    public static BookMatch? Match(string id, IReadOnlyDictionary<string, ModelPrice> models)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (Exact(id) is { } exact)
        {
            return new BookMatch(exact, null);
        }

        var colon = id.LastIndexOf(':');
        var (bare, variant) = colon < 0 ? (id, null) : (id[..colon], id[(colon + 1)..]);
        return (variant is null || s_samePrice.Contains(variant, StringComparer.OrdinalIgnoreCase)) && Exact(bare) is { } price
            ? new BookMatch(price, Online.Equals(variant, StringComparison.OrdinalIgnoreCase) ? "variant:online" : null)
            : null;

        ModelPrice? Exact(string name) => models.GetValueOrDefault(name) ?? models.GetValueOrDefault(SnapshotDate().Replace(name, ""));
    }

    /// <summary>Whether an id is another one with a variant behind it.</summary>
    public static bool IsVariantOf(string id, string bare) =>
        id.Length > bare.Length && id[bare.Length] == ':' && id.StartsWith(bare, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"[-@]20\d\d(-?)(0[1-9]|1[0-2])\1(0[1-9]|[12]\d|3[01])$", RegexOptions.CultureInvariant)]
    private static partial Regex SnapshotDate();
}

/// <summary>A model of the book that an id stands for.</summary>
/// <param name="Price">Its prices.</param>
/// <param name="UnknownTerm">What the id asks for beyond the model, at a price that the book does not have; null: nothing.</param>
internal readonly record struct BookMatch(ModelPrice Price, string? UnknownTerm);
