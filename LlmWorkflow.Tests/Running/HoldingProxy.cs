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
                using var server = new TcpClient();
                await server.ConnectAsync(IPAddress.Loopback, Target!.Port, _stop.Token);
                var (near, far) = (client.GetStream(), server.GetStream());
                await Task.WhenAny(SendAsync(near, far), far.CopyToAsync(near, _stop.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // One of the two is gone: so is the other's connection.
        }
    }

    // A connection may be older than the hold, so each piece is looked at. What is held is read, so that the request is sent whole, and forgotten.
    private async Task SendAsync(NetworkStream near, NetworkStream far)
    {
        var piece = new byte[64 * 1024];
        var isHeld = false;
        int length;
        while ((length = await near.ReadAsync(piece, _stop.Token)) > 0)
        {
            if (isHeld || Holds)
            {
                Interlocked.Add(ref _held, isHeld ? 0 : 1);
                isHeld = true;
                continue;
            }

            await far.WriteAsync(piece.AsMemory(0, length), _stop.Token);
        }
    }
}
