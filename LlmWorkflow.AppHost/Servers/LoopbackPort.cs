using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace LlmWorkflow.AppHost.Servers;

/// <summary>TCP ports on the loopback interface.</summary>
internal static class LoopbackPort
{
    // The system may name a port again as long as nobody listens on it.
    private static readonly ConcurrentDictionary<int, bool> s_given = new();

    /// <summary>A port that was free a moment ago, each time another one.</summary>
    public static int FindFree()
    {
        while (true)
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            if (s_given.TryAdd(port, true))
            {
                return port;
            }
        }
    }

    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public static async Task<bool> CanConnectAsync(int port, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
