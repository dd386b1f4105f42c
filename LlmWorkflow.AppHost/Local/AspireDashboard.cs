using System.Globalization;
using LlmWorkflow.AppHost.Servers;
using Microsoft.Extensions.Configuration;

namespace LlmWorkflow.AppHost.Local;

/// <summary>The real Aspire dashboard, run by itself: it takes in traces, metrics and logs of the services.</summary>
internal sealed class AspireDashboard : ProcessResource
{
    public const string ResourceName = "aspire-dashboard";
    private readonly string program;
    private readonly int otlpHttpPort = LoopbackPort.FindFree();
    private readonly int otlpGrpcPort = LoopbackPort.FindFree();
    private readonly EndpointAnnotation frontend;

    private AspireDashboard(string program, int port)
        : base(ResourceName)
    {
        this.program = program;
        frontend = new EndpointAnnotation { Name = "http", UriScheme = "http", Port = port };
        Endpoints.Add(frontend);
        HttpHealthChecks.Add(new HttpHealthCheck("http", "/", StatusCode: null));
        EnvironmentCallbacks.Add(context =>
        {
            context.EnvironmentVariables["ASPIRE_CLI_TELEMETRY_OPTOUT"] = "true";
            context.EnvironmentVariables["NO_COLOR"] = "1";
            return Task.CompletedTask;
        });
    }

    public string OtlpEndpoint => Url(otlpGrpcPort);

    public override IReadOnlyList<string> Command =>
    [
        program, "dashboard", "run", "--frontend-url", frontend.Url(0), "--otlp-grpc-url", OtlpEndpoint, "--otlp-http-url", Url(otlpHttpPort),
        "--allow-anonymous", "--non-interactive", "--nologo",
    ];

    public override string WorkingDirectory => "/";

    /// <summary>Null where there is no <c>aspire</c> executable: the system then runs without.</summary>
    public static AspireDashboard? Find(IConfiguration configuration) =>
        AspireCli.Find() is { } program ? new AspireDashboard(program, AppHostSettings.Read(configuration).AspireDashboardPort) : null;

    private static string Url(int port) => string.Create(CultureInfo.InvariantCulture, $"http://localhost:{port}");
}
