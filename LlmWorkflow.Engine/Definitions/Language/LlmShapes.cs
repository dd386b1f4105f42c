namespace LlmWorkflow.Engine.Definitions.Language;

/// <summary>The <c>llm</c> step.</summary>
internal static class LlmShapes
{
    private static readonly ObjectShape s_message = new(
        "a message",
        [
            new("role", Forms.Choice("system", "user", "assistant"), "Who says it.") { IsRequired = true },
            new("content", new TextShape(TextUse.Prompt), "Its text, rendered like a prompt.") { IsRequired = true },
        ]);

    private static readonly ObjectShape s_fallback = new(
        "a fallback",
        [
            new("provider", Forms.Filled(TextUse.Template), "Provider; the step's by default."),
            new("model", Forms.Filled(TextUse.Template), "Model in the provider's spelling.") { IsRequired = true },
        ]);

    private static readonly ObjectShape s_jsonSchema = new(
        "a response format",
        [
            new("type", Forms.Choice("json_schema"), "May be left out."),
            new("json_schema", new SchemaShape(IssueCodes.InvalidSchema), "JSON Schema that the reply must fit.") { IsRequired = true },
        ]);

    private static readonly ObjectShape s_cache = new(
        "a cache policy",
        [
            new("ttl_seconds", new NumberShape(1, Forms.LongestCache, true), "How long a reply is kept, in seconds.") { IsRequired = true },
            new("scope", Forms.Choice("user", "shared"), "Who gets a kept reply: jobs of the same user, or all.") { Default = "\"user\"" },
        ]);

    /// <summary>The step.</summary>
    public static ObjectShape Step { get; } = CommonShapes.Of(
        "llm",
        "Asks a language model.",
        [
            new("provider", Forms.Filled(TextUse.Template), "Provider; by default the one that the service is set to."),
            new("model", Forms.Filled(TextUse.Template), "Model in the provider's spelling.") { IsRequired = true },
            new("fallbacks", new ListShape(s_fallback, 0, 10), "Models to try in order when the one before cannot answer: a retryable error, a refused key, a used-up quota, an unknown model, a prompt too long for it."),
            new("prompt", new TextShape(TextUse.Prompt), "User prompt as text: includes, Handlebars over the variables, and ${…}."),
            new("prompt_template", Forms.Filled(TextUse.PromptFile), "User prompt as a markdown file: its path under prompts/."),
            new("system_prompt", new TextShape(TextUse.Prompt), "System prompt as text."),
            new("system_prompt_template", Forms.Filled(TextUse.PromptFile), "System prompt as a markdown file: its path under prompts/."),
            new("messages", new ListShape(s_message, 1, 200), "Messages in order, between the system prompt and the prompt."),
            new("variables", new MapShape(new AnyShape()), "What {{…}} in the prompts reads."),
            new("temperature", new NumberShape(0, 2), "0 is the most predictable."),
            new("max_tokens", new NumberShape(1, 1_000_000, true), "Most output tokens; by default the price book's for the model."),
            new("top_p", new NumberShape(0, 1), "Nucleus sampling."),
            new("stop", new ListShape(new TextShape(TextUse.Template), 0, 100), "Texts that end the reply."),
            new("seed", new NumberShape(long.MinValue, long.MaxValue, true), "For providers that take one."),
            new("stream", new FlagShape(), "Whether the reply is streamed.") { Default = "true" },
            new("response_format", new EitherShape(Forms.Choice("text", "json"), s_jsonSchema), "What the reply must be: any text, any JSON, or JSON that fits a schema.") { Default = "\"text\"" },
            new("repair_attempts", new NumberShape(0, 5, true), "Further calls that show the model what is wrong with its JSON.") { Default = "0" },
            new("repair_model", Forms.Filled(TextUse.Template), "Model of those calls; the step's by default."),
            new("cache", s_cache, "Keeps replies and gives them to equal calls."),
            new("provider_options", new MapShape(new AnyShape()), "`reasoning_effort`, `cache_control` and `cache_messages` are translated for each provider; any other is passed on as it is."),
        ]) with
    {
        AtLeastOneOf = ["prompt", "prompt_template", "messages"],
        AtMostOneOf = [["prompt", "prompt_template"], ["system_prompt", "system_prompt_template"]],
    };
}
