using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

/// <summary>What services can do wrong, over real sockets: each becomes a typed error that names it, and none of them tells the key.</summary>
public sealed class ServiceFaultTests : IDisposable
{
    private const string Gone = "nobody.example";

    private static readonly Dictionary<string, Fault> s_faults = new(StringComparer.Ordinal)
    {
        ["silence"] = new((_, _, stop) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop), ErrorTypes.UpstreamTimeout, true, "did not answer within 0.4 s", 0.4),
        ["slow drip of headers"] = new((_, socket, stop) => DripAsync(socket, "HTTP/1.1 200 OK\r\nX-A: ", stop), ErrorTypes.UpstreamTimeout, true, "did not answer within 0.4 s", 0.4),
        ["slow drip of the body"] = new((_, socket, stop) => DripAsync(socket, Head("Content-Length: 9999"), stop), ErrorTypes.UpstreamTimeout, true, "did not answer within 0.4 s", 0.4),
        ["reset before the reply"] = new((_, socket, _) => ResetAsync(socket, null), ErrorTypes.NetworkError, true, "ConnectionReset"),
        ["reset within the reply"] = new((_, socket, _) => ResetAsync(socket, Head("Content-Length: 100") + "{\"a\":"), ErrorTypes.NetworkError, true, "ConnectionReset"),
        ["closed before the reply"] = new((_, socket, _) => Task.CompletedTask, ErrorTypes.NetworkError, true, "ResponseEnded"),
        ["truncated JSON"] = new(Text(Head("Content-Length: 100") + "{\"a\":"), ErrorTypes.NetworkError, true, "ResponseEnded"),
        ["no HTTP at all"] = new(Text("hello, this is not HTTP\r\n\r\n"), ErrorTypes.NetworkError, true, "InvalidResponse"),
        ["500"] = new(Json("{\"m\":\"KEY\"}", "500 Oops"), ErrorTypes.UpstreamServerError, true, "status 500"),
        ["503 with retry-after"] = new(Json("{}", "503 Busy", "Retry-After: 7"), ErrorTypes.UpstreamServerError, true, "status 503", RetryAfter: 7),
        ["429 with retry-after"] = new(Json("{\"k\":\"KEY\"}", "429 Slow", "Retry-After: 3"), ErrorTypes.RateLimited, true, "status 429", RetryAfter: 3),
        ["429"] = new(Json("{}", "429 Slow"), ErrorTypes.RateLimited, true, "too many requests"),
        ["401"] = new(Json("{\"m\":\"key KEY is wrong\"}", "401 No"), ErrorTypes.AuthenticationFailed, false, "key [REDACTED] is wrong", Category: ErrorCategory.Config),
        ["403 with the key escaped as in JSON"] = new(Json("{\"m\":\"JSON-KEY\"}", "403 No"), ErrorTypes.AuthenticationFailed, false, "[REDACTED]", Category: ErrorCategory.Config),
        ["400 with the key escaped as in a URL"] = new(Json("{\"m\":\"/now?key=URL-KEY\"}", "400 No"), ErrorTypes.UpstreamBadRequest, false, "key=[REDACTED]"),
        ["malformed JSON"] = new(Json("{\"a\":KEY"), ErrorTypes.InvalidResponse, true, "malformed JSON"),
        ["empty"] = new(Json(""), ErrorTypes.InvalidResponse, true, "reply is empty"),
        ["an error inside a 200"] = new(Json("{\"error\":{\"code\":500,\"message\":\"KEY\"}}"), ErrorTypes.UpstreamServerError, true, "It said: {\"error\""),
        ["wrong content type"] = new(Text("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n<html>KEY</html>"), ErrorTypes.InvalidResponse, false, "text/html instead of JSON"),
        ["endless body"] = new((_, socket, stop) => EndlessAsync(socket, stop), ErrorTypes.InvalidResponse, false, "larger than 64000 bytes", 10),
        ["too large by its length"] = new(Text(Head("Content-Length: 100000")), ErrorTypes.InvalidResponse, false, "larger than 64000 bytes"),
        ["gzip bomb"] = new((_, socket, stop) => GzipAsync(socket, new byte[10_000_000], stop), ErrorTypes.InvalidResponse, false, "larger than 64000 bytes"),
        ["broken gzip"] = new(Text(Head("Content-Encoding: gzip") + "this is not gzip"), ErrorTypes.InvalidResponse, true, "cannot be decompressed"),
        ["redirects without end"] = new(Json("", "302 Found", "Location: /again?key=URL-KEY"), ErrorTypes.UpstreamBadRequest, false, "more than 5 times", Category: ErrorCategory.Config),
        ["redirect to another host"] = new(Json("", "302 Found", "Location: https://elsewhere.example/x?key=URL-KEY"), ErrorTypes.UpstreamBadRequest, false, "elsewhere.example", Category: ErrorCategory.Config, Suggestion: "add it to 'redirect_hosts'"),
        ["redirect to a private address"] = new(Json("", "302 Found", "Location: https://private.example/x"), ErrorTypes.InvalidServiceFile, false, "private.example, a private", Category: ErrorCategory.Config, Suggestion: "'allow_private_addresses'"),
        ["redirect that takes the key along"] = new(Json("", "302 Found", "Location: https://private.example/x?key=URL-KEY"), ErrorTypes.UpstreamBadRequest, false, "with the service's key", Category: ErrorCategory.Config),
        ["redirect to http"] = new(Json("", "307 Temporary", "Location: http://private.example/"), ErrorTypes.UpstreamBadRequest, false, "only https and public addresses", Category: ErrorCategory.Config),
        ["redirect to no URL"] = new(Json("", "301 Moved", "Location: ftp://x.example/"), ErrorTypes.UpstreamBadRequest, false, "no http or https URL", Category: ErrorCategory.Config),
    };

    // Stands still unless a test moves it: nothing times out because the machine is slow.
    private readonly VirtualTime _time = new();
    private readonly ITestOutputHelper _output;
    private readonly ExchangeBench _bench;

    public ServiceFaultTests(ITestOutputHelper output)
    {
        _output = output;
        _bench = new(services => services.AddSingleton(new DestinationGuard(Resolve)).AddSingleton<TimeProvider>(_time));
    }

    public static TheoryData<string, string> Faults()
    {
        TheoryData<string, string> data = [];
        AuthPlace[] places = [AuthPlace.Header, AuthPlace.Query, AuthPlace.Bearer];
        foreach (var (number, name) in s_faults.Keys.Index())
        {
            data.Add(name, places[number % 3].ToString());
            data.Add(name, places[(number + 1) % 3].ToString());
        }

        return data;
    }

    public void Dispose() => _bench.Dispose();

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task AskAsync_Fault_IsTypedErrorWithoutTheKey(string name, string place)
    {
        var fault = s_faults[name];
        _bench.Service = _bench.Service with { TimeoutSeconds = fault.Seconds, MaxResponseBytes = 64_000, RedirectHosts = ["private.example"] };
        await using RawUpstream upstream = new((socket, stop) => fault.Answer(_bench.Key, socket, stop));

        var asked = _bench.AskAsync(upstream.Url, Enum.Parse<AuthPlace>(place));
        if (fault.Type == ErrorTypes.UpstreamTimeout)
        {
            await upstream.Asked;
            // Some drops of the drip.
            await Task.Delay(TimeSpan.FromMilliseconds(150), TimeProvider.System);
            Assert.False(asked.IsCompleted);
            _time.Advance(TimeSpan.FromSeconds(fault.Seconds));
        }

        var (_, error, _) = await asked;

        _output.WriteLine($"{error!.Type}: {error.Message} | {string.Join(' ', error.Details!.Suggestions)}");
        Assert.Equal((fault.Type, fault.Category, fault.Retryable, fault.RetryAfter), (error.Type, error.Category, error.Retryable, error.RetryAfter));
        Assert.Contains(fault.Message, error.Message);
        Assert.Contains(fault.Suggestion, Assert.Single(error.Details!.Suggestions));
        Assert.Equal(name == "redirects without end" ? 6 : 1, upstream.Requests);
        _bench.AssertNoKey(error);
    }

    [Fact]
    public async Task AskAsync_PostWithoutBodyClosedBeforeTheReply_IsSentOnce()
    {
        await using RawUpstream upstream = new((_, _) => Task.CompletedTask);

        var (_, error, _) = await _bench.AskAsync(upstream.Url, method: HttpMethod.Post, hasBody: false);

        Assert.Equal(ErrorTypes.NetworkError, error!.Type);
        Assert.Equal(1, upstream.Requests);
    }

    [Fact]
    public async Task AskAsync_NothingListens_IsNetworkError()
    {
        using Socket closed = new(SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        await FailsAsync(new Uri($"http://{closed.LocalEndPoint}/"), true, ErrorTypes.NetworkError, ErrorCategory.External, "ConnectionRefused");
    }

    [Fact]
    public Task AskAsync_UnknownHost_IsNetworkError() =>
        FailsAsync(new Uri($"https://{Gone}/"), false, ErrorTypes.NetworkError, ErrorCategory.External, "HostNotFound");

    [Fact]
    public async Task AskAsync_NoTlsAtAnHttpsAddress_IsNetworkError()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}"));

        await FailsAsync(new UriBuilder(upstream.Url) { Scheme = "https" }.Uri, true, ErrorTypes.NetworkError, ErrorCategory.External, "SecureConnectionError");
    }

    [Fact]
    public async Task AskAsync_PrivateBaseUrlOfTheFile_IsRefusedBeforeConnecting()
    {
        await using RawUpstream upstream = new((_, _) => Task.CompletedTask);

        await FailsAsync(upstream.Url, false, ErrorTypes.InvalidServiceFile, ErrorCategory.Config, "The base URL leads to 127.0.0.1, a private or reserved address");

        Assert.Equal(0, upstream.Requests);
    }

    [Fact]
    public async Task AskAsync_PrivateBaseUrlThatTheFileAllows_IsReached()
    {
        await using RawUpstream upstream = new((socket, stop) => RawUpstream.SendAsync(socket, Head("Content-Length: 2") + "{}", stop));
        _bench.Service = _bench.Service with { AllowPrivateAddresses = true };

        Assert.Equal("{}", (await _bench.AskAsync(upstream.Url, trusted: false)).Reply!.Body.GetRawText());
    }

    private async Task FailsAsync(Uri url, bool trusted, string type, ErrorCategory category, string message)
    {
        foreach (var place in new[] { AuthPlace.Header, AuthPlace.Query, AuthPlace.Bearer })
        {
            var (_, error, status) = await _bench.AskAsync(url, place, trusted);
            _output.WriteLine(error!.Message);
            Assert.Equal((type, category, type == ErrorTypes.NetworkError, 0), (error!.Type, error.Category, error.Retryable, status));
            Assert.Contains(message, error.Message);
            Assert.NotEmpty(error.Details!.Suggestions);
            _bench.AssertNoKey(error);
        }
    }

    private static Task<IPAddress[]> Resolve(string host, CancellationToken cancellationToken) =>
        host == Gone ? throw new SocketException((int)SocketError.HostNotFound) : Task.FromResult(new[] { IPAddress.Loopback });

    private static string Head(string header) => $"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n{header}\r\n\r\n";

    private static Func<string, Socket, CancellationToken, Task> Json(string body, string status = "200 OK", string header = "X-A: b") =>
        Text($"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\n{header}\r\n\r\n{body}");

    private static Func<string, Socket, CancellationToken, Task> Text(string text) => (key, socket, stop) => RawUpstream.SendAsync(
        socket,
        text.Replace("JSON-KEY", key.Replace("+", @"\u002b").Replace("/", @"\/"), StringComparison.Ordinal)
            .Replace("URL-KEY", Uri.EscapeDataString(key), StringComparison.Ordinal)
            .Replace("KEY", key, StringComparison.Ordinal),
        stop);

    private static async Task ResetAsync(Socket socket, string? first)
    {
        if (first is not null)
        {
            await RawUpstream.SendAsync(socket, first, CancellationToken.None);
        }

        RawUpstream.Reset(socket);
    }

    private static async Task DripAsync(Socket socket, string first, CancellationToken stop)
    {
        await RawUpstream.SendAsync(socket, first, stop);
        while (true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, stop);
            await RawUpstream.SendAsync(socket, "1", stop);
        }
    }

    private static async Task EndlessAsync(Socket socket, CancellationToken stop)
    {
        var chunk = Encoding.ASCII.GetBytes(new string('1', 4096));
        await RawUpstream.SendAsync(socket, Head("X-A: b") + "[", stop);
        while (true)
        {
            // Until the client closes.
            await RawUpstream.SendAsync(socket, chunk, stop);
        }
    }

    private static async Task GzipAsync(Socket socket, byte[] content, CancellationToken stop)
    {
        using MemoryStream packed = new();
        await using (GZipStream gzip = new(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            await gzip.WriteAsync(content, stop);
        }

        await RawUpstream.SendAsync(socket, Head($"Content-Encoding: gzip\r\nContent-Length: {packed.Length}"), stop);
        await RawUpstream.SendAsync(socket, packed.ToArray(), stop);
    }

    private sealed record Fault(
        Func<string, Socket, CancellationToken, Task> Answer, string Type, bool Retryable, string Message, double Seconds = 5,
        ErrorCategory Category = ErrorCategory.External, double? RetryAfter = null, string Suggestion = "");
}
