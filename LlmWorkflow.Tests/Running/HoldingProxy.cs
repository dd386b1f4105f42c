using System.Net;
using System.Net.Sockets;

namespace LlmWorkflow.Tests.Running;

/// <summary>Hands connections on to a server; while it holds, it takes connections and hands on nothing, so that a request is sent and never arrives.</summary>
internal sealed class HoldingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private int _held;

    public HoldingProxy()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Where connections go.</summary>
    public Uri? Target { get; set; }

    public bool Holds { get; set; }

    /// <summary>Connections taken while holding whose client has sent something.</summary>
    public int Held => Volatile.Read(ref _held);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end of the test.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                var near = client.GetStream();
                var first = new byte[64 * 1024];
                int length;
                // A pooled connection may be older than the hold: each piece is looked at.
                while ((length = await near.ReadAsync(first, _stop.Token)) > 0)
                {
                    if (Holds)
                    {
                        Interlocked.Increment(ref _held);
                        while (await near.ReadAsync(first, _stop.Token) > 0)
                        {
                            // Read, so that the request is sent whole, and forgotten.
                        }

                        return;
                    }

                    using var server = new TcpClient();
                    await server.ConnectAsync(IPAddress.Loopback, Target!.Port, _stop.Token);
                    var far = server.GetStream();
                    await far.WriteAsync(first.AsMemory(0, length), _stop.Token);
                    await Task.WhenAny(near.CopyToAsync(far, _stop.Token), far.CopyToAsync(near, _stop.Token));
                    return;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // One of the two is gone: so is the other's connection.
        }
    }
}
