using System.CommandLine;
using System.Net;
using System.Text.Json;
using LlmWorkflow.Cli.Running;
using LlmWorkflow.Client;

namespace LlmWorkflow.Cli.Services;

/// <summary>The API of commands that talk to a running system: <c>--api</c>, else <c>LLMWORKFLOW_API_URL</c>, else the one of <c>./run</c> on this machine.</summary>
internal sealed class ApiAddress(CliHost host)
{
    /// <summary>Name of the variable.</summary>
    public const string UrlVariable = "LLMWORKFLOW_API_URL";

    private const string KeyVariable = "ADMIN_API_KEY";
    private const string DevelopmentKey = "dev-admin-key";
    private const string DefaultPort = "8000";

    // A local service that answers at all answers within this time, also when it has a large table to count.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary><c>--api</c>.</summary>
    public Option<string?> Option { get; } = new("--api") { Description = $"The API. Default: ${UrlVariable}, else this machine's, at port $API_PORT or {DefaultPort}.", HelpName = "URL" };

    /// <summary>Does something with it, with an admin key.</summary>
    /// <exception cref="CliException">The address or the key is missing or wrong, or the API does not answer, or refuses.</exception>
    public async Task<T> UseAsync<T>(ParseResult arguments, Func<WorkflowClient, Task<T>> work)
    {
        var url = Url(arguments.GetValue(Option));
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(5) }, disposeHandler: true)
        {
            BaseAddress = url,
            Timeout = Patience,
        };
        try
        {
            return await work(new(http, Key(), host.Time));
        }
        catch (WorkflowApiException e) when (e.Problem is null)
        {
            throw new CliException($"what answers at {Shown(url)} is not this service: it answered {(int)e.Status}. Check --api or ${UrlVariable}.", ExitCodes.Failure);
        }
        catch (WorkflowApiException e)
        {
            // 4xx but for the key: the command line says something that the service does not know.
            var isWrongUse = e.Status is HttpStatusCode.BadRequest or HttpStatusCode.NotFound;
            var advice = e.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? $" Set {KeyVariable} to an admin key of the service at {Shown(url)}." : "";
            throw new CliException(e.Message + advice, isWrongUse ? ExitCodes.Usage : ExitCodes.Failure);
        }
        catch (JsonException)
        {
            throw new CliException($"what answers at {Shown(url)} is not this service. Check --api or ${UrlVariable}.", ExitCodes.Failure);
        }
        catch (HttpRequestException e)
        {
            throw new CliException($"the API at {Shown(url)} is not reached: {e.Message.TrimEnd('.')}. Start the system with ./run, or name it with --api or ${UrlVariable}.", ExitCodes.Failure);
        }
        catch (TaskCanceledException e) when (e.InnerException is TimeoutException)
        {
            throw new CliException($"the API at {Shown(url)} did not answer within {Patience.TotalSeconds:0} s.", ExitCodes.Failure);
        }
    }

    // A path is kept: the service may stand behind a proxy.
    private Uri Url(string? given)
    {
        var (name, text) = given is not null ? ("--api", given)
            : host.Environment(UrlVariable) is { } set ? (UrlVariable, set)
            : ("API_PORT", $"http://127.0.0.1:{host.Environment("API_PORT") ?? DefaultPort}");
        return Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url is { Query.Length: 0, UserInfo.Length: 0, Port: > 0 }
            ? url
            : throw new CliException($"{name} does not give an http or https URL such as http://127.0.0.1:{DefaultPort}.");
    }

    // The first of the list: any of them is good.
    private string Key()
    {
        if (host.Environment(KeyVariable)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) is [var key, ..])
        {
            return key;
        }

        return StandIn.IsDevelopment(host) ? DevelopmentKey : throw new CliException($"{KeyVariable} is not set: it holds the service's admin key.");
    }

    private static string Shown(Uri url) => url.AbsoluteUri.TrimEnd('/');
}
