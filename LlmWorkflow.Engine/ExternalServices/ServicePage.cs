using System.Text.Json;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Which page is asked for.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Offset">Items of the pages before it.</param>
/// <param name="Next">What the page before said; Undefined for the first.</param>
internal sealed record ServicePage(int Number, int Offset, JsonElement Next)
{
    public static ServicePage First { get; } = new(1, 0, default);

    /// <summary>The page's URL, as the page before gave it; null: made from the template.</summary>
    public Uri? Url { get; init; }
}
