using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Tests.Engine.Webhooks;

/// <summary>A request as it arrived.</summary>
internal sealed record Received(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Id => Headers["webhook-id"];
}

/// <summary>A webhook receiver over real HTTP on a port of its own, which answers as the test says.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly WebApplication app;
    private readonly Channel<Received> arrivals = Channel.CreateUnbounded<Received>();
    private int count;

    private Receiver(WebApplication app) => this.app = app;

    /// <summary>Answers request number n (1 for the first); 200 without a body by default.</summary>
    public Func<int, HttpContext, Task> Answer { get; set; } = static (_, _) => Task.CompletedTask;

    public string Url { get; private set; } = "";

    /// <summary>Host and port.</summary>
    public string Host => new Uri(Url).Authority;

    /// <summary>Requests that arrived.</summary>
    public int Count => Volatile.Read(ref count);

    public static async Task<Receiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new Receiver(builder.Build());
        receiver.app.Run(receiver.ReceiveAsync);
        await receiver.app.StartAsync();
        receiver.Url = receiver.app.Urls.Single() + "/hook";
        return receiver;
    }

    /// <summary>Answers every request with a status and a body.</summary>
    public static Func<int, HttpContext, Task> Always(int status, string body = "") => (_, context) =>
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(body);
    };

    /// <summary>Never answers, until the gate opens or the caller goes.</summary>
    public static Func<int, HttpContext, Task> Hang(Task gate) => async (_, context) =>
    {
        var gone = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(gone.SetResult);
        await Task.WhenAny(gate, gone.Task);
    };

    /// <summary>The next request, in the order of arrival.</summary>
    public async Task<Received> NextAsync()
    {
        using var deadline = new CancellationTokenSource(Limit);
        return await arrivals.Reader.ReadAsync(deadline.Token);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await app.StopAsync(now.Token);
        await app.DisposeAsync();
    }

    private async Task ReceiveAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var number = Interlocked.Increment(ref count);
        var headers = context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        arrivals.Writer.TryWrite(new(context.Request.Path, headers, body.ToArray()));
        await Answer(number, context);
    }
}
