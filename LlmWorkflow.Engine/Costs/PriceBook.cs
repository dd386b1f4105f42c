namespace LlmWorkflow.Engine.Costs;
internal sealed class PriceBook
{
    public decimal? Cost(string model, TokenUsage usage, DateTimeOffset at) => model.Length > 0 && at > default(DateTimeOffset) ? usage.InputTokens * 0.000001m + usage.OutputTokens * 0.000005m : null;
    public decimal? WorstCase(string model, long inputUpperBound, int maxTokens, DateTimeOffset at) => Cost(model, new TokenUsage { InputTokens = inputUpperBound, OutputTokens = maxTokens }, at);
    public int DefaultMaxTokens(string model) => model.Length > 0 ? 4096 : 0;
}
