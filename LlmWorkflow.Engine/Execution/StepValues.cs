using System.Collections;
using System.Diagnostics.CodeAnalysis;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Execution;

/// <summary>Finished steps by id, in layers: steps inside a step see those around it, and are seen outside only when their layer is taken over.</summary>
internal sealed class StepValues(StepValues? around) : IReadOnlyDictionary<string, StepValue>
{
    private readonly Dictionary<string, StepValue> _own = new(StringComparer.Ordinal);

    public IEnumerable<string> Keys => this.Select(entry => entry.Key);

    public IEnumerable<StepValue> Values => this.Select(entry => entry.Value);

    public int Count => _own.Count + (Around?.Count ?? 0);

    public StepValue this[string key]
    {
        get => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException(key);
        set => _own[key] = value;
    }

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out StepValue value)
    {
        for (var layer = this; layer is not null; layer = layer.Around)
        {
            if (layer._own.TryGetValue(key, out value))
            {
                return true;
            }
        }

        value = null;
        return false;
    }

    /// <summary>Makes the steps of a layer readable here.</summary>
    public void TakeOver(StepValues inner)
    {
        foreach (var (id, value) in inner._own)
        {
            _own[id] = value;
        }
    }

    // Ids are unique in a file, so no layer hides an entry of another.
    public IEnumerator<KeyValuePair<string, StepValue>> GetEnumerator() => (Around is null ? _own : _own.Concat(Around)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private StepValues? Around { get; } = around;
}
