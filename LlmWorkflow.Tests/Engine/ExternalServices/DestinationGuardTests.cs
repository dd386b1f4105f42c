using System.Net;
using System.Net.Sockets;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

public sealed class DestinationGuardTests
{
    [Theory]
    [InlineData("https://example.com/hook")]
    [InlineData("http://example.com:8080/hook?a=b")]
    [InlineData("https://8.8.8.8/")]
    [InlineData("https://172.15.0.1/")]
    [InlineData("https://172.32.0.1/")]
    [InlineData("https://[2606:4700::1111]/")]
    [InlineData("https://localhost.example.com/")]
    public void CheckUrl_PublicDestination_Passes(string url) => Assert.Null(DestinationGuard.CheckUrl(url, allowPrivate: false));

    [Theory]
    [InlineData("")]
    [InlineData("/hook")]
    [InlineData("example.com/hook")]
    [InlineData("ftp://example.com/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("http://")]
    [InlineData("https://user@example.com/")]
    [InlineData("https://user:pass@example.com/")]
    [InlineData("http://example.com/\r\nX: y")]
    public void CheckUrl_NotAPlainHttpUrl_IsRefusedAlways(string url)
    {
        Assert.NotNull(DestinationGuard.CheckUrl(url, allowPrivate: false));
        Assert.NotNull(DestinationGuard.CheckUrl(url, allowPrivate: true));
    }

    [Theory]
    [InlineData("http://localhost/")]
    [InlineData("http://LOCALHOST.:80/")]
    [InlineData("http://api.localhost/")]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://127.1/")]
    [InlineData("http://2130706433/")]
    [InlineData("http://0x7f000001/")]
    [InlineData("http://0x7f.0.0.1/")]
    [InlineData("http://0177.0.0.1/")]
    [InlineData("http://0.0.0.0/")]
    [InlineData("http://0/")]
    [InlineData("http://10.1.2.3/")]
    [InlineData("http://100.64.0.1/")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("http://172.16.0.1/")]
    [InlineData("http://172.31.255.255/")]
    [InlineData("http://192.168.1.1/")]
    [InlineData("http://192.0.0.8/")]
    [InlineData("http://198.18.0.1/")]
    [InlineData("http://224.0.0.1/")]
    [InlineData("http://255.255.255.255/")]
    [InlineData("http://[::]/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://[fe80::1]/")]
    [InlineData("http://[fe80::1%25eth0]/")]
    [InlineData("http://[fc00::1]/")]
    [InlineData("http://[fd12:3456::1]/")]
    [InlineData("http://[ff02::1]/")]
    [InlineData("http://[::ffff:127.0.0.1]/")]
    [InlineData("http://[::ffff:8.8.8.8]/")]
    [InlineData("http://[::7f00:1]/")]
    [InlineData("http://[2002:7f00:1::]/")]
    [InlineData("http://[64:ff9b::7f00:1]/")]
    [InlineData("http://[64:ff9b:1::1]/")]
    [InlineData("http://[2001:0:1::1]/")]
    [InlineData("http://[2001:db8::1]/")]
    public void CheckUrl_PrivateOrReserved_IsRefusedUnlessAllowed(string url)
    {
        Assert.NotNull(DestinationGuard.CheckUrl(url, allowPrivate: false));
        Assert.Null(DestinationGuard.CheckUrl(url, allowPrivate: true));
    }

    [Fact]
    public async Task Resolve_NameThatLeadsInside_IsRefused()
    {
        var guard = Guard("93.184.216.34", "10.0.0.1");

        Assert.NotNull(await guard.ResolveAsync("https://example.com/", allowPrivate: false, CancellationToken.None));
        Assert.Null(await guard.ResolveAsync("https://example.com/", allowPrivate: true, CancellationToken.None));
        Assert.Null(await Guard("93.184.216.34").ResolveAsync("https://example.com/", allowPrivate: false, CancellationToken.None));
    }

    [Fact]
    public async Task Resolve_NameThatDoesNotResolve_Passes()
    {
        var unknown = new DestinationGuard((_, _) => throw new SocketException((int)SocketError.HostNotFound));
        var silent = new DestinationGuard((_, _) => new TaskCompletionSource<IPAddress[]>().Task);

        Assert.Null(await unknown.ResolveAsync("https://example.com/", allowPrivate: false, CancellationToken.None));
        Assert.Null(await silent.ResolveAsync("https://example.com/", allowPrivate: false, CancellationToken.None));
    }

    [Fact]
    public async Task Connect_NameThatLeadsInsideByThen_ReachesNobody()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}"));
        using var client = Client(Guard("127.0.0.1"), allowPrivate: false);

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync($"http://example.com:{upstream.Url.Port}/"));

        Assert.Contains("private", exception.Message);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task Connect_AllowedAddress_IsReached()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}"));
        using var client = Client(Guard("127.0.0.1"), allowPrivate: true);

        using var response = await client.GetAsync($"http://example.com:{upstream.Url.Port}/");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.StartsWith("example.com", Assert.Single(upstream.Received).Headers["Host"]);
    }

    private static DestinationGuard Guard(params string[] addresses) => new((_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray()));

    private static HttpClient Client(DestinationGuard guard, bool allowPrivate) =>
        new(new SocketsHttpHandler { UseProxy = false, ConnectCallback = guard.ConnectCallback(() => allowPrivate) }, disposeHandler: true);
}
