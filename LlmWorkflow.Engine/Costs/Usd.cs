namespace LlmWorkflow.Engine.Costs;

/// <summary>US dollars.</summary>
public static class Usd
{
    /// <summary>The same amount without trailing zeros, which sums of numeric(20,12) carry and which say nothing.</summary>
    public static decimal WithoutTrailingZeros(decimal usd) => usd / 1.000000000000000000000000000000m;
}
