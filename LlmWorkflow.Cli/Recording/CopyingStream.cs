using System.Text;

namespace LlmWorkflow.Cli.Recording;

/// <summary>Passes a reply on and keeps its pieces. They are told when the reader is done with it, unless a read failed or was cancelled.</summary>
internal sealed class CopyingStream(Stream source, Action<IReadOnlyList<string>> done) : ReadOnlyStream
{
    // Keeps the bytes of a character that two pieces share.
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly List<string> _chunks = [];
    private bool _isTold;
    private bool _isBroken;

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count;
        try
        {
            count = await source.ReadAsync(buffer, cancellationToken);
        }
        catch
        {
            _isBroken = true;
            throw;
        }

        if (count > 0)
        {
            Add(buffer.Span[..count]);
        }
        else
        {
            Tell();
        }

        return count;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // A stream of events is often left after its end mark, before its end.
            Tell();
            source.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        var characters = new char[_decoder.GetCharCount(bytes, flush: false)];
        _decoder.GetChars(bytes, characters, flush: false);
        if (characters.Length > 0)
        {
            _chunks.Add(new string(characters));
        }
    }

    private void Tell()
    {
        if (!_isTold && !_isBroken)
        {
            _isTold = true;
            done(_chunks);
        }
    }
}
