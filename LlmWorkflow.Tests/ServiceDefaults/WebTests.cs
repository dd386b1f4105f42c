using System.Net;
using LlmWorkflow.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace LlmWorkflow.Tests.ServiceDefaults;

public sealed class WebTests
{
    [Fact]
    public async Task Alive_ProcessLives_Answers200()
    {
        await using var app = await StartAsync();
        using var client = Client(app);

        using var response = await client.GetAsync("alive");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("""{"status":"alive"}""", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Docs_Page_LoadsNothingFromElsewhere()
    {
        await using var app = await StartAsync();
        using var client = Client(app);

        using var redirected = await client.GetAsync("docs");
        var page = await client.GetStringAsync("docs/index.html");

        Assert.Equal(HttpStatusCode.OK, redirected.StatusCode);
        Assert.Equal("text/html", redirected.Content.Headers.ContentType?.MediaType);
        var assets = System.Text.RegularExpressions.Regex.Matches(page, "(?:src|href)=\"([^\"]+)\"").Select(match => match.Groups[1].Value).ToList();
        Assert.Contains(assets, asset => asset.EndsWith("swagger-ui-bundle.js", StringComparison.Ordinal));
        foreach (var asset in assets)
        {
            Assert.DoesNotContain("//", asset);
            using var response = await client.GetAsync($"docs/{asset}");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        var script = await client.GetStringAsync("docs/index.js");
        Assert.Contains("/openapi/v1.json", page + script);
        Assert.DoesNotContain("validator.swagger.io", page + script);
    }

    [Fact]
    public async Task Port_WithoutUrls_IsListenedOn()
    {
        // A port that was free a moment ago.
        var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var port = ((IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();
        var builder = WebApplication.CreateBuilder();
        builder.Configuration["PORT"] = $"{port}";
        builder.Configuration["urls"] = null;
        builder.AddServiceDefaults();
        await using var app = builder.Build();
        app.MapDefaultEndpoints();
        await app.StartAsync();
        using var client = new HttpClient(new SocketsHttpHandler(), disposeHandler: true);

        Assert.Contains("alive", await client.GetStringAsync($"http://127.0.0.1:{port}/alive"));
    }

    internal static async Task<WebApplication> StartAsync(Action<WebApplicationBuilder>? configure = null, Action<WebApplication>? map = null)
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        configure?.Invoke(builder);
        builder.AddServiceDefaults();
        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapApiReference();
        map?.Invoke(app);
        await app.StartAsync();
        return app;
    }

    internal static HttpClient Client(WebApplication app) =>
        new(new SocketsHttpHandler(), disposeHandler: true) { BaseAddress = new Uri($"{app.Urls.First()}/") };
}
