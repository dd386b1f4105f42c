namespace LlmWorkflow.Tests.Support;

/// <summary>Chance with a seed that several threads may draw from.</summary>
internal sealed class SharedRandom(int seed) : Random(seed)
{
    private readonly Lock _lock = new();

    public override double NextDouble()
    {
        lock (_lock)
        {
            return base.NextDouble();
        }
    }
}
