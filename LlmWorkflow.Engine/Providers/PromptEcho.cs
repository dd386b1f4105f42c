using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>Finds parts of a prompt in a provider's words: some providers quote what they refuse, and prompts may hold personal data.</summary>
internal static class PromptEcho
{
    // Every quotation of at least Window + Stride - 1 characters is found; shorter ones are names and numbers that make a message useful.
    private const int Window = 24;
    private const int Stride = 8;

    /// <summary>Whether the words quote a message at some length.</summary>
    public static bool IsIn(string words, IReadOnlyList<ChatMessage> messages)
    {
        for (var start = 0; start + Window <= words.Length; start += Stride)
        {
            var window = words.AsSpan(start, Window);
            foreach (var message in messages)
            {
                if (message.Text.AsSpan().Contains(window, StringComparison.Ordinal))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
