namespace LlmWorkflow.Engine.Transforms;

/// <summary>What one transform may take and make, so that no definition and no upstream can exhaust a worker.</summary>
internal static class TransformLimits
{
    /// <summary>Largest input and largest result, in bytes of JSON.</summary>
    public const int MaxBytes = 16 * 1024 * 1024;

    /// <summary>Most items in an array that is read or made.</summary>
    public const int MaxItems = 100_000;

    /// <summary>Deepest nesting of JSON that is read from text.</summary>
    public const int MaxDepth = 128;
}
