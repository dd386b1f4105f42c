using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmWorkflow.Engine.Providers.Anthropic;

/// <summary>What a model takes, as far as it differs between models.</summary>
/// <param name="Sampling"><c>temperature</c>, <c>top_p</c> and <c>top_k</c>.</param>
/// <param name="TemperatureBesideTopP">Both of them in one request.</param>
/// <param name="Prefill">A last message of the assistant, which the model goes on with.</param>
/// <param name="OutputFormat"><c>output_config.format</c>.</param>
internal sealed record AnthropicModel(bool Sampling, bool TemperatureBesideTopP, bool Prefill, bool OutputFormat);

/// <summary>
/// What Anthropic's models take, by their names: <c>claude-opus-4-7</c>, <c>claude-sonnet-5</c>, <c>claude-haiku-4-5-20251001</c>… A model that the rules do
/// not know is taken for a new one if it is of a new family, and for one that takes everything if its name has another form.
/// </summary>
internal static partial class AnthropicModels
{
    // The first version of each family from which a thing is true ("What's new" and migration pages of the models; structured outputs page). Families that
    // are not listed (fable, mythos…) began after all of these changes.
    private static readonly Dictionary<string, Rule> s_rules = new(StringComparer.OrdinalIgnoreCase)
    {
        ["opus"] = new(NoSampling: 4.07, NoBoth: 4.01, NoPrefill: 4.06, OutputFormat: 4.01),
        ["sonnet"] = new(NoSampling: 5.00, NoBoth: 4.05, NoPrefill: 4.06, OutputFormat: 4.05),
        ["haiku"] = new(NoSampling: 5.00, NoBoth: 4.05, NoPrefill: 5.00, OutputFormat: 4.05),
    };

    private static readonly Rule s_newFamily = new(0, 0, 0, 0);

    // Claude 3 and before have the family last: claude-3-5-sonnet-20241022.
    private static readonly AnthropicModel s_old = new(Sampling: true, TemperatureBesideTopP: true, Prefill: true, OutputFormat: false);

    // Not Anthropic's names: a gateway's own. It may be anything, so what the step says is sent.
    private static readonly AnthropicModel s_unknown = s_old with { OutputFormat = true };

    /// <summary>What the model takes.</summary>
    public static AnthropicModel Of(string name)
    {
        if (Name().Match(name) is not { Success: true } match)
        {
            return OldName().IsMatch(name) ? s_old : s_unknown;
        }

        var version = Number(match.Groups["major"]) + (Number(match.Groups["minor"]) / 100);
        var rule = s_rules.GetValueOrDefault(match.Groups["family"].Value, s_newFamily);
        return new AnthropicModel(version < rule.NoSampling, version < rule.NoBoth, version < rule.NoPrefill, version >= rule.OutputFormat);
    }

    private static double Number(Group group) => group.Success ? double.Parse(group.ValueSpan, CultureInfo.InvariantCulture) : 0;

    // Versions as major plus a hundredth of minor: 4.7 is 4.07.
    private sealed record Rule(double NoSampling, double NoBoth, double NoPrefill, double OutputFormat);

    // A number of more digits is a date. Routers write anthropic/claude-opus-4.7.
    [GeneratedRegex(@"(?:^|[/.:])claude-(?<family>[a-z]+)-(?<major>\d{1,2})(?!\d)(?:[-.](?<minor>\d{1,2})(?!\d))?", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Name();

    [GeneratedRegex(@"(?:^|[/.:])claude-(?:\d|instant|v\d)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex OldName();
}
