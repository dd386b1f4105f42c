namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>
/// A connection whose requests are made once. .NET repeats one without a body by itself, up to three times, when the connection fails or ends before the first byte of
/// the answer; that would pass by the service's retries, rate limit and <c>idempotent</c>.
/// </summary>
/// <param name="inner">The connection.</param>
internal sealed class UnrepeatedStream(Stream inner) : Stream
{
    // A request was written, and nothing of its answer has come. A connection that waits for a request may end.
    private volatile bool _isAsked;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read;
        try
        {
            read = await inner.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException exception) when (_isAsked)
        {
            throw new AnswerMissingException(exception);
        }

        if (buffer.Length > 0 && _isAsked)
        {
            _isAsked = read > 0 ? false : throw new AnswerMissingException(new HttpIOException(HttpRequestError.ResponseEnded));
        }

        return read;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _isAsked = true;
        try
        {
            await inner.WriteAsync(buffer, cancellationToken);
        }
        catch (IOException exception)
        {
            throw new AnswerMissingException(exception);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>The connection failed or ended before the answer began. Of this kind, because .NET repeats requests only after an <see cref="IOException"/>.</summary>
/// <param name="reason">How.</param>
internal sealed class AnswerMissingException(IOException reason) : InvalidOperationException(reason.Message, reason);
