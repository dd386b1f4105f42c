using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>A request as it will be sent, made of a service file and checked parameters. Pure but for the variables.</summary>
internal sealed class ServiceRequest
{
    /// <summary>Where to.</summary>
    public required Uri Url { get; init; }

    /// <summary>The base URL is the operator's, from a variable, and not the file's.</summary>
    public required bool Trusted { get; init; }

    /// <summary>The key; removed from all that is told.</summary>
    public required string? Key { get; init; }

    /// <summary>HTTP method.</summary>
    public required HttpMethod Method { get; init; }

    /// <summary>Headers, the key's too.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; }

    /// <summary>JSON in UTF-8; null: none.</summary>
    public required byte[]? Body { get; init; }

    /// <summary>Builds it.</summary>
    /// <exception cref="WorkflowException"><see cref="ErrorTypes.MissingSetting"/> when the key is not set, <see cref="ErrorTypes.InvalidServiceFile"/>.</exception>
    public static ServiceRequest Build(ServiceDefinition service, string operationName, JsonElement parameters, Func<string, string?> variable)
    {
        var operation = service.Operations[operationName];
        var template = new ServiceTemplate("params", parameters);
        var variant = operation.Variants.FirstOrDefault(variant => parameters.TryGetProperty(variant.IfGiven, out _));
        var path = template.FillText(variant?.Path ?? operation.Path, EscapeSegment)
            ?? throw Invalid(service, $"the path of {operationName} uses a parameter that is not given; make it required");
        var key = FindKey(service, variable);
        var query = operation.Query
            .Select(pair => KeyValuePair.Create(pair.Key, template.FillText(pair.Value)))
            .Where(pair => pair.Value is not null)
            .ToList();
        var headers = operation.Headers
            .Select(pair => KeyValuePair.Create(pair.Key, template.FillText(pair.Value)?.ReplaceLineEndings(" ")))
            .Where(pair => pair.Value is not null)
            .ToList();
        if (service.Auth is { } auth)
        {
            (auth.In == AuthPlace.Query ? query : headers).Add(KeyValuePair.Create<string, string?>(auth.Name, auth.Prefix + key));
        }

        var body = template.Fill(variant?.Body ?? operation.Body);
        var replaced = service.BaseUrlVariable is { } name && variable(name) is { Length: > 0 } text ? text : null;
        return new ServiceRequest
        {
            Url = Combine(service, replaced ?? service.BaseUrl, path, query),
            Trusted = replaced is not null,
            Key = key,
            Method = HttpMethod.Parse(operation.Method),
            Headers = headers!,
            Body = body.ValueKind == JsonValueKind.Undefined ? null : Encoding.UTF8.GetBytes(body.GetRawText()),
        };
    }

    /// <summary>The message to send.</summary>
    public HttpRequestMessage ToMessage()
    {
        var message = new HttpRequestMessage(Method, Url);
        message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (Body is not null)
        {
            message.Content = new ByteArrayContent(Body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }

        foreach (var (name, value) in Headers)
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }

        return message;
    }

    // A dot segment would lead to another operation, and no escaping hides it from URL normalisation.
    private static string EscapeSegment(string value) => value is "." or ".." ? "" : Uri.EscapeDataString(value);

    private static string? FindKey(ServiceDefinition service, Func<string, string?> variable)
    {
        if (service.Auth is not { } auth)
        {
            return null;
        }

        var names = string.Join(" or ", auth.Variables);
        return auth.Variables.Select(variable).FirstOrDefault(value => !string.IsNullOrWhiteSpace(value))
            ?? throw new WorkflowException(new WorkflowError
            {
                Type = ErrorTypes.MissingSetting,
                Category = ErrorCategory.Config,
                Message = $"{names} is not set: {service.Name} cannot be asked without a key.",
                Details = new ErrorDetails { Service = service.Name, Suggestions = [$"Set {names} in the environment of the workers."] },
            });
    }

    private static Uri Combine(ServiceDefinition service, string baseUrl, string path, List<KeyValuePair<string, string?>> query)
    {
        var text = baseUrl.TrimEnd('/') + path;
        if (query.Count > 0)
        {
            text += (path.Contains('?', StringComparison.Ordinal) ? '&' : '?')
                + string.Join('&', query.Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value!)}"));
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw Invalid(service, $"its base URL is not an absolute http or https URL{(service.BaseUrlVariable is { } name ? $" (see {name})" : "")}");
    }

    private static WorkflowException Invalid(ServiceDefinition service, string problem) => new(new WorkflowError
    {
        Type = ErrorTypes.InvalidServiceFile,
        Category = ErrorCategory.Config,
        Message = $"The service {service.Name} cannot be called: {problem}.",
        Details = new ErrorDetails { Service = service.Name, Suggestions = [$"Correct services/{service.Name}.json or its variables."] },
    });
}
