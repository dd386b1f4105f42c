using System.Text;

namespace LlmWorkflow.Simulator.Completions;

/// <summary>
/// The simulator's tokenizer: a token is 4 bytes of UTF-8, begun ones count; each message adds 4 for its role and separators.
/// Real tokenizers differ by model; this one is stable, cheap and near them for English.
/// </summary>
internal static class TokenEstimate
{
    public const int BytesPerToken = 4;
    public const int PerMessage = 4;

    public static int OfText(string text) => (Encoding.UTF8.GetByteCount(text) + BytesPerToken - 1) / BytesPerToken;

    public static int OfMessages(IReadOnlyList<string> messages) => messages.Sum(OfText) + (PerMessage * messages.Count);
}
