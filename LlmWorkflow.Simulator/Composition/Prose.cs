using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using LlmWorkflow.Simulator.Completions;

namespace LlmWorkflow.Simulator.Composition;

/// <summary>Plain sentences about the prompt's own words, for prompts that ask for no structure. The seed decides which.</summary>
internal static partial class Prose
{
    public const int LongestSentence = 30;

    private const int MostTopics = 40;

    private static readonly CompositeFormat[] Sentences =
    [
        CompositeFormat.Parse("The request centres on {0}, so that is where this answer starts. "),
        CompositeFormat.Parse("Look at {0} together with {1}: one explains the other. "),
        CompositeFormat.Parse("In practice, {0} matters more than it seems at first. "),
        CompositeFormat.Parse("A simple plan for {0} is better than a perfect one for {1}. "),
        CompositeFormat.Parse("Write down what is known about {0}, and what is not. "),
        CompositeFormat.Parse("Where {0} and {1} pull in different directions, decide early. "),
        CompositeFormat.Parse("Nothing in the request speaks against {0}. "),
        CompositeFormat.Parse("Check {0} again once {1} is settled. "),
    ];

    /// <summary>Whole sentences, of at most so many tokens; one sentence at least, of up to <see cref="LongestSentence"/> tokens.</summary>
    public static string Write(string prompt, int seed, int tokens)
    {
        var random = new Random(seed);
        string[] topics = [.. Word().Matches(prompt).Select(word => word.Value.ToLowerInvariant()).Distinct().Take(MostTopics)];
        if (topics.Length == 0)
        {
            topics = ["the question"];
        }

        var text = new StringBuilder();
        while (true)
        {
            var format = Sentences[random.Next(Sentences.Length)];
            var sentence = string.Format(
                CultureInfo.InvariantCulture, format, topics[random.Next(topics.Length)], topics[random.Next(topics.Length)]);
            if (text.Length > 0 && text.Length + sentence.Length > tokens * TokenEstimate.BytesPerToken)
            {
                return text.ToString().TrimEnd();
            }

            text.Append(sentence);
        }
    }

    [GeneratedRegex(@"\b[A-Za-z]{5,20}\b")]
    private static partial Regex Word();
}
