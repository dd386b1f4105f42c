using System.Collections.Concurrent;
using System.Net;
using System.Text;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

public sealed class ServiceRedirectTests : IDisposable
{
    private readonly Elsewhere _elsewhere = new();
    private readonly ExchangeBench _bench;

    public ServiceRedirectTests()
    {
        _bench = new(services => services.AddHttpClient(ExternalServiceRegistrations.PublicHttpClientName).AddHttpMessageHandler(() => _elsewhere));
        _bench.Service = _bench.Service with { RedirectHosts = ["cdn.example.com", "*.files.example.com"] };
    }

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("GET", 301, "GET")]
    [InlineData("GET", 302, "GET")]
    [InlineData("GET", 308, "GET")]
    [InlineData("POST", 307, "POST")]
    [InlineData("POST", 308, "POST")]
    [InlineData("POST", 303, "GET")]
    public async Task AskAsync_RedirectOnTheSameHost_IsFollowedWithTheKey(string method, int status, string then)
    {
        await using var upstream = await FakeUpstream.StartAsync(To("/there?x=1", status), FakeUpstream.Json("{}"));

        Assert.NotNull((await _bench.AskAsync(upstream.Url, AuthPlace.Header, method: new(method))).Reply);

        var second = upstream.Received.Last();
        Assert.Equal((then, "/there", "?x=1", then == "GET" ? "" : "{}"), (second.Method, second.Path, second.Query, second.Body));
        Assert.Equal((_bench.Key, "yes"), (second.Headers["X-Api-Key"], second.Headers["X-Of-The-File"]));
    }

    [Theory]
    [InlineData("https://cdn.example.com/x")]
    [InlineData("https://a.files.example.com/x")]
    [InlineData("https://CDN.example.com:8443/x")]
    public async Task AskAsync_RedirectToAHostOfTheFile_IsFollowedWithNothingOfOurs(string location)
    {
        await using var upstream = await FakeUpstream.StartAsync(To(location, 302));

        Assert.Equal("""{"from":"elsewhere"}""", (await _bench.AskAsync(upstream.Url, AuthPlace.Bearer)).Reply!.Body.GetRawText());

        var (url, headers) = Assert.Single(_elsewhere.Received);
        Assert.Equal(new Uri(location), url);
        Assert.Equal(["Accept"], headers);
    }

    [Fact]
    public async Task AskAsync_RedirectElsewhereAndBack_BringsNoKey()
    {
        await using var upstream = await FakeUpstream.StartAsync(To("https://cdn.example.com/x", 302), FakeUpstream.Json("{}"));
        _elsewhere.Location = upstream.Url;

        var (_, error, _) = await _bench.AskAsync(upstream.Url, AuthPlace.Header);

        Assert.Contains("from https to http", error!.Message);
        Assert.Single(upstream.Received);
    }

    [Theory]
    [InlineData("https://example.com/x", "to example.com, which")]
    [InlineData("https://files.example.com/x", "to files.example.com, which")]
    [InlineData("https://notcdn.example.com/x", "to notcdn.example.com, which")]
    [InlineData("https://user:pw@cdn.example.com/x", "user name")]
    [InlineData("//other.example/x", "only https and public addresses")]
    [InlineData("http://cdn.example.com/x", "only https and public addresses")]
    [InlineData("https://169.254.169.254/latest", "only https and public addresses")]
    [InlineData("http://127.0.0.1:1/x", "another scheme or port than its base URL")]
    [InlineData("https://127.0.0.1/x", "another scheme or port than its base URL")]
    public async Task AskAsync_RedirectToAnotherHost_IsRefused(string location, string message)
    {
        await using var upstream = await FakeUpstream.StartAsync(To(location, 302));

        var (_, error, status) = await _bench.AskAsync(upstream.Url, AuthPlace.Header);

        Assert.Equal((ErrorTypes.UpstreamBadRequest, ErrorCategory.Config, false, 302), (error!.Type, error.Category, error.Retryable, status));
        Assert.Contains(message, error.Message);
        Assert.Empty(_elsewhere.Received);
    }

    [Fact]
    public async Task AskAsync_PostRedirectedWith302_IsNotMadeAGet()
    {
        await using var upstream = await FakeUpstream.StartAsync(To("/there", 302));

        Assert.Contains("a POST", (await _bench.AskAsync(upstream.Url, method: HttpMethod.Post)).Error!.Message);
        Assert.Single(upstream.Received);
    }

    [Theory]
    [InlineData("a.example.com", "*.example.com", true)]
    [InlineData("a.b.example.com", "*.example.com", true)]
    [InlineData("example.com", "*.example.com", false)]
    [InlineData("badexample.com", "*.example.com", false)]
    [InlineData("Example.COM", "example.com", true)]
    [InlineData("a.example.com", "example.com", false)]
    public void Matches_Hosts_ByNameOrBelow(string host, string pattern, bool matches) => Assert.Equal(matches, ServiceRedirect.Matches(host, pattern));

    private static Func<HttpContext, Task> To(string location, int status) => FakeUpstream.Json("", status, headers: ("Location", location));

    private sealed class Elsewhere : DelegatingHandler
    {
        public ConcurrentQueue<(Uri Url, string[] Headers)> Received { get; } = new();

        public Uri? Location { get; set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Received.Enqueue((request.RequestUri!, [.. request.Headers.Select(header => header.Key)]));
            HttpResponseMessage response = new(Location is null ? HttpStatusCode.OK : HttpStatusCode.Found)
            {
                Content = new StringContent("""{"from":"elsewhere"}""", Encoding.UTF8, "application/json"),
            };
            response.Headers.Location = Location;
            return Task.FromResult(response);
        }
    }
}
