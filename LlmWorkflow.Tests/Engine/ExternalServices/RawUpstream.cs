using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

/// <summary>A listener that reads the head of each request and then does with the connection what the test says.</summary>
internal sealed class RawUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<Socket, CancellationToken, Task> _answer;
    private readonly Task _loop;
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _requests;

    public RawUpstream(Func<Socket, CancellationToken, Task> answer)
    {
        _answer = answer;
        _listener.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/now");
        _loop = AcceptAsync();
    }

    public Uri Url { get; }

    /// <summary>The first request has come.</summary>
    public Task Asked => _asked.Task.WaitAsync(TimeSpan.FromSeconds(60));

    public int Requests => Volatile.Read(ref _requests);

    public static Task SendAsync(Socket socket, string text, CancellationToken cancellationToken) => SendAsync(socket, Encoding.ASCII.GetBytes(text), cancellationToken);

    public static async Task SendAsync(Socket socket, byte[] bytes, CancellationToken cancellationToken) => await socket.SendAsync(bytes, SocketFlags.None, cancellationToken);

    /// <summary>Closes with a reset instead of an end.</summary>
    public static void Reset(Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _loop;
        _stop.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                var buffer = new byte[8192];
                StringBuilder head = new();
                while (!head.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
                {
                    var read = await socket.ReceiveAsync(buffer, SocketFlags.None, _stop.Token);
                    if (read == 0)
                    {
                        return;
                    }

                    head.Append(Encoding.ASCII.GetString(buffer, 0, read));
                }

                Interlocked.Increment(ref _requests);
                _asked.TrySetResult();
                await _answer(socket, _stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // The client or the test is done.
            }
        }
    }
}
