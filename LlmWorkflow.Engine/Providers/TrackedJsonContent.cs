using System.Net;
using System.Net.Http.Headers;

namespace LlmWorkflow.Engine.Providers;

/// <summary>A JSON body that notes when its last byte has left: from then on the provider may bill the input.</summary>
internal sealed class TrackedJsonContent : HttpContent
{
    private readonly byte[] _json;
    private readonly ChatCallProgress _progress;

    public TrackedJsonContent(byte[] json, ChatCallProgress progress)
    {
        _json = json;
        _progress = progress;
        Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(_json, cancellationToken);
        await stream.FlushAsync(cancellationToken);
        if (_progress.Stage == ChatCallStage.Sending)
        {
            _progress.Stage = ChatCallStage.Sent;
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _json.Length;
        return true;
    }
}
