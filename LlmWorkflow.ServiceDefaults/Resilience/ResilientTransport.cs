using Polly;

namespace LlmWorkflow.ServiceDefaults.Resilience;

/// <summary>Sends through a resilience pipeline: what <c>AddResilienceHandler</c> does, on Polly alone.</summary>
internal sealed class ResilientTransport(ResiliencePipeline<HttpResponseMessage> pipeline) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        try
        {
            context.Properties.Set(InternalHttpPolicy.Request, request);
            return await pipeline.ExecuteAsync(
                static async (context, call) => await call.transport.SendOnceAsync(call.request, context.CancellationToken),
                context,
                (transport: this, request));
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        base.SendAsync(request, cancellationToken);
}
