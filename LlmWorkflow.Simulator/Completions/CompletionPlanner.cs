using System.Text;
using LlmWorkflow.Simulator.Composition;
using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Completions;

/// <summary>Decides text and length of a reply. The same prompt always gets the same reply.</summary>
internal static class CompletionPlanner
{
    private const int ShortestProse = 40;
    private const int LongestProse = 400;

    public static Completion Plan(ChatPrompt prompt, Behavior behavior)
    {
        var text = behavior.Reply ?? Compose(prompt);
        if (behavior.OutputTokens is { } wanted && behavior.Reply is null && !prompt.Format.Json)
        {
            text = Fit(text, wanted, prompt);
        }

        var reasoning = behavior.ReasoningTokens ?? prompt.ReasoningTokens;
        var tokens = behavior.OutputTokens ?? TokenEstimate.OfText(text) + reasoning;
        return new Completion(text, tokens, Math.Min(tokens, prompt.MaxTokens ?? tokens)) { ReasoningTokens = Math.Min(reasoning, tokens) };
    }

    private static string Compose(ChatPrompt prompt)
    {
        var facts = PromptFacts.Read(prompt.Messages);
        if (prompt.Format.Json)
        {
            return SchemaReply.Write(prompt.Format.Schema, facts, prompt.Text);
        }

        var sections = PromptOutline.Read(prompt.Messages);
        return sections.Count > 0
            ? MarkdownReply.Write(sections, facts)
            : Prose.Write(prompt.Text, PromptHash.Of(prompt.Text).Seed, ProseLength(prompt));
    }

    // Longer prompts get longer answers, and an answer normally ends before the limit.
    private static int ProseLength(ChatPrompt prompt)
    {
        var length = Math.Clamp(ShortestProse + (prompt.InputTokens / 2), ShortestProse, LongestProse);
        return prompt.MaxTokens is { } most ? Math.Min(length, most * 9 / 10) : length;
    }

    private static string Fit(string text, int tokens, ChatPrompt prompt)
    {
        var missing = tokens - TokenEstimate.OfText(text);
        if (missing > 0)
        {
            text += "\n\n" + Prose.Write(prompt.Text, PromptHash.Of(prompt.Text).Seed, missing + Prose.LongestSentence);
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        var end = Math.Min(bytes.Length, tokens * TokenEstimate.BytesPerToken);
        while (end > 0 && end < bytes.Length && (bytes[end] & 0xC0) == 0x80)
        {
            end--;
        }

        return Encoding.UTF8.GetString(bytes, 0, end);
    }
}
