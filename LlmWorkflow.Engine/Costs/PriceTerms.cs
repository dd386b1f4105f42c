using System.Text.Json;

namespace LlmWorkflow.Engine.Costs;

/// <summary>What changes the price of a call beside its tokens, as <c>name:value</c>: the price book has the multipliers.</summary>
public static class PriceTerms
{
    private static readonly string[] s_names = ["service_tier", "inference_geo", "speed"];

    // What providers say when nothing special was asked for.
    private static readonly string[] s_ordinary = ["standard", "default", "auto", "on_demand", "global", "not_available"];

    /// <summary>
    /// The terms that objects name: usage blocks, whole replies, or the options of a request. The first object that names a term decides.
    /// Standard terms are none.
    /// </summary>
    public static IReadOnlyList<string> Of(params ReadOnlySpan<JsonElement> objects)
    {
        List<string> terms = [];
        foreach (var name in s_names)
        {
            foreach (var value in objects)
            {
                if (value.Word(name) is { } word)
                {
                    if (!s_ordinary.Contains(word))
                    {
                        terms.Add($"{name}:{word}");
                    }

                    break;
                }
            }
        }

        return terms;
    }
}
