using System.Globalization;
using System.Text.RegularExpressions;
using LlmWorkflow.Simulator.Completions;

namespace LlmWorkflow.Simulator.Anthropic;

/// <summary>What Anthropic's models are like, by family and version.</summary>
internal sealed partial record ClaudeModel
{
    private ClaudeModel(string family, decimal version, ModelPrice price) => (Family, Version, Price) = (family, version, price);

    /// <summary><c>opus</c>, <c>sonnet</c>, <c>haiku</c>, <c>fable</c>.</summary>
    public string Family { get; }

    public decimal Version { get; }

    public ModelPrice Price { get; }

    /// <summary>Temperature, top_p and top_k other than the defaults are refused, and thinking has no budget.</summary>
    public bool RefusesSampling => IsFrom(opus: 4.7m, sonnet: 5m, haiku: 5.5m, fable: 5m);

    /// <summary>A tool cannot be forced, and thinking not be turned off.</summary>
    public bool RefusesForcedTools => IsFrom(opus: 5.5m, sonnet: 5.5m, haiku: decimal.MaxValue, fable: 5.1m);

    /// <summary>The last message must be the user's.</summary>
    public bool RefusesPrefill => IsFrom(opus: 4.6m, sonnet: 4.6m, haiku: 5.5m, fable: 5m);

    /// <summary>Temperature or top_p, not both.</summary>
    public bool RefusesTemperatureWithTopP => Version >= 4.1m;

    public CacheRules Cache => new(Marked: true, LeastCachedTokens, ReportsWrites: true);

    private int LeastCachedTokens => (Family, Version) switch
    {
        ("opus", 4.5m or 4.6m) or ("haiku", 4.5m) => 4096,
        ("haiku", < 4m) => 2048,
        _ => 1024,
    };

    /// <summary>The model of an id such as <c>claude-sonnet-4-5-20250929</c> or <c>claude-3-5-haiku-latest</c>; null: there is none.</summary>
    public static ClaudeModel? Find(string id)
    {
        var match = Id().Match(id);
        if (!match.Success)
        {
            return null;
        }

        var (family, major, minor) = (match.Groups["family"].Value, match.Groups["major"].Value, match.Groups["minor"].Value);
        var version = minor is "" or "0" ? major : $"{major}.{minor}";
        var number = decimal.Parse(version, CultureInfo.InvariantCulture);
        // The table has the names that OpenRouter gives: the version went to the end with version 4.
        var price = PriceTable.OfVendor("anthropic", number < 4 ? $"claude-{version}-{family}" : $"claude-{family}-{version}");
        return price is null ? null : new ClaudeModel(family, number, price);
    }

    private bool IsFrom(decimal opus, decimal sonnet, decimal haiku, decimal fable) => Family switch
    {
        "opus" => Version >= opus,
        "sonnet" => Version >= sonnet,
        "haiku" => Version >= haiku,
        _ => Version >= fable,
    };

    [GeneratedRegex(@"^claude-(?:(?<family>[a-z]+)-(?<major>\d)(?:-(?<minor>\d))?|(?<major>\d)(?:-(?<minor>\d))?-(?<family>[a-z]+))(?:-\d{8}|-latest)?$")]
    private static partial Regex Id();
}
