using System.Net;
using System.Net.Sockets;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>
/// Keeps requests to addresses that others name inside the public internet. Checked where the address enters and again when connecting,
/// because a name may lead elsewhere by then (DNS rebinding).
/// </summary>
/// <param name="resolve">Name to addresses; the system's resolver by default.</param>
public sealed class DestinationGuard(Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
{
    private static readonly TimeSpan ResolveTimeout = TimeSpan.FromSeconds(2);

    private static readonly IPNetwork[] NotPublic =
    [
        .. Networks(
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        // Inside 2000::/3, the only block of IPv6 that is public: Teredo and other protocol assignments, documentation, 6to4.
        .. Networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    ];

    private static readonly IPNetwork PublicIPv6 = IPNetwork.Parse("2000::/3");

    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve = resolve ?? Dns.GetHostAddressesAsync;

    /// <summary>
    /// Whether an address is in the public internet: not private, loopback, link-local, unique local, carrier-grade NAT, multicast,
    /// unspecified or reserved, and not an IPv4 address inside IPv6 (mapped, 6to4, Teredo, NAT64).
    /// </summary>
    public static bool IsPublic(IPAddress address) =>
        (address.AddressFamily != AddressFamily.InterNetworkV6
            || (PublicIPv6.Contains(address) && address is { ScopeId: 0, IsIPv4MappedToIPv6: false }))
        && !Array.Exists(NotPublic, network => network.Contains(address));

    /// <summary>What is wrong with a URL as a destination, without asking DNS; null when nothing is.</summary>
    /// <param name="url">As the caller gave it.</param>
    /// <param name="allowPrivate">Whether private and loopback addresses are allowed.</param>
    public static string? CheckUrl(string url, bool allowPrivate)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.Host.Length == 0)
        {
            return "must be an absolute http or https URL";
        }

        if (url.Any(static c => char.IsControl(c) || char.IsWhiteSpace(c)))
        {
            return "must not hold white space or control characters";
        }

        if (uri.UserInfo.Length > 0)
        {
            return "must not hold a user name or password";
        }

        if (allowPrivate)
        {
            return null;
        }

        var host = uri.IdnHost.TrimEnd('.');
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase))
        {
            return "must not lead to this machine";
        }

        return IPAddress.TryParse(host, out var address) && !IsPublic(address) ? "must not lead to a private or reserved address" : null;
    }

    /// <summary>
    /// <see cref="CheckUrl"/>, then the same for what the name resolves to, at most 2 s. A name that does not resolve now passes: it is checked
    /// again at each connect.
    /// </summary>
    public async Task<string?> ResolveAsync(string url, bool allowPrivate, CancellationToken cancellationToken)
    {
        if (CheckUrl(url, allowPrivate) is { } problem)
        {
            return problem;
        }

        if (allowPrivate)
        {
            return null;
        }

        var host = new Uri(url).IdnHost;
        try
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            timeout.CancelAfter(ResolveTimeout);
            // The system's resolver may ignore the token; the wait does not.
            var addresses = await _resolve(host, timeout.Token).WaitAsync(timeout.Token);
            return addresses.Length > 0 && !Array.TrueForAll(addresses, IsPublic) ? "must not lead to a private or reserved address" : null;
        }
        catch (SocketException)
        {
            return null;
        }
        catch (ArgumentException)
        {
            return "has a host name that is too long";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>
    /// For <see cref="SocketsHttpHandler.ConnectCallback"/>: resolves once and connects to one of the addresses that were checked. The handler
    /// must not use a proxy, which would resolve the name again.
    /// </summary>
    public Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> ConnectCallback(Func<bool> allowPrivate) =>
        async (context, cancellationToken) =>
        {
            var host = context.DnsEndPoint.Host;
            var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await _resolve(host, cancellationToken);
            var allowed = allowPrivate() ? addresses : Array.FindAll(addresses, IsPublic);
            if (allowed.Length == 0)
            {
                throw addresses.Length == 0 ? new HttpRequestException(HttpRequestError.NameResolutionError, $"{host} has no address.") : new DestinationRefusedException(host);
            }

            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        };

    private static IEnumerable<IPNetwork> Networks(params string[] networks) => networks.Select(IPNetwork.Parse);
}

/// <summary>A host leads to a private or reserved address, and was not connected to.</summary>
/// <param name="host">The host.</param>
internal sealed class DestinationRefusedException(string host)
    : HttpRequestException(HttpRequestError.ConnectionError, $"{host} leads to a private or reserved address, which is not allowed.")
{
    /// <summary>The host.</summary>
    public string Host { get; } = host;
}
