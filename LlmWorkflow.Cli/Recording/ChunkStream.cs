using System.Text;

namespace LlmWorkflow.Cli.Recording;

/// <summary>Gives recorded pieces back, one per read.</summary>
internal sealed class ChunkStream(IReadOnlyList<string> chunks) : ReadOnlyStream
{
    private ReadOnlyMemory<byte> _left;
    private int _next;

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (_left.IsEmpty && _next < chunks.Count)
        {
            _left = Encoding.UTF8.GetBytes(chunks[_next++]);
        }

        var count = Math.Min(buffer.Length, _left.Length);
        _left[..count].CopyTo(buffer);
        _left = _left[count..];
        return new(count);
    }
}
