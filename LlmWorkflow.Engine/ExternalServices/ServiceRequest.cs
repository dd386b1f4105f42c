using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>A request as it will be sent, made of a service file and checked parameters. Pure but for the variables.</summary>
internal sealed class ServiceRequest
{
    /// <summary>Where to.</summary>
    public required Uri Url { get; init; }

    /// <summary>The base URL is the operator's, from a variable, and not the file's.</summary>
    public required bool Trusted { get; init; }

    /// <summary>The base URL that it is sent below.</summary>
    public required string BaseUrl { get; init; }

    /// <summary>The key; removed from all that is told.</summary>
    public required string? Key { get; init; }

    /// <summary>Fingerprint of the key, that tells keys apart and gives none away; empty without one.</summary>
    public string Credential => Key is null ? "" : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Key)).AsSpan(0, 8));

    /// <summary>HTTP method.</summary>
    public required HttpMethod Method { get; init; }

    /// <summary>Headers, the key's too.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; }

    /// <summary>As <see cref="ContentType"/> says, in UTF-8; null: none.</summary>
    public required byte[]? Body { get; init; }

    /// <summary>Media type of the body.</summary>
    public string ContentType { get; init; } = "application/json";

    /// <summary>Builds it.</summary>
    /// <param name="service">The service.</param>
    /// <param name="operationName">One of its operations.</param>
    /// <param name="parameters">Checked.</param>
    /// <param name="page">Null: the operation has no pages.</param>
    /// <param name="variable">Value of an environment variable.</param>
    /// <exception cref="WorkflowException">
    /// <see cref="ErrorTypes.MissingSetting"/> when the key is not set, <see cref="ErrorTypes.InvalidServiceFile"/>, <see cref="ErrorTypes.InvalidParameter"/> when a
    /// value cannot stand where the file puts it, <see cref="ErrorTypes.ExpressionError"/>.
    /// </exception>
    public static ServiceRequest Build(ServiceDefinition service, string operationName, JsonElement parameters, ServicePage? page, Func<string, string?> variable)
    {
        var operation = service.Operations[operationName];
        var values = new ServiceTemplate(KeyValuePair.Create("params", parameters), KeyValuePair.Create("page", Root(page)));
        RequestTemplate template = operation.Variants.FirstOrDefault(variant => values.IsTrue(variant.When)) is { } variant ? variant : operation;
        var key = FindKey(service, variable);
        var headers = MakeHeaders(service, operationName, template, values);
        List<KeyValuePair<string, string>> own = [];
        if (service.Auth is { } auth)
        {
            (auth.In == AuthPlace.Query ? own : headers).Add(KeyValuePair.Create(auth.Name, auth.Prefix + key));
        }

        var replaced = service.BaseUrlVariable is { } name && variable(name) is { Length: > 0 } text ? text : null;
        var baseUrl = (replaced ?? service.BaseUrl).TrimEnd('/');
        return new ServiceRequest
        {
            BaseUrl = baseUrl,
            Url = page?.Url is { } url
                ? Combine(service, url.GetLeftPart(UriPartial.Path), [.. Pairs(url.Query).Where(pair => own.TrueForAll(mine => mine.Key != pair.Key)), .. own])
                : Combine(service, baseUrl + Path(service, operationName, template, values), [.. Query(template, values), .. own]),
            Trusted = replaced is not null,
            Key = key,
            Method = HttpMethod.Parse(template.Method),
            Headers = headers,
            Body = BodyOf(template, values),
            ContentType = template.BodyType == BodyType.Form ? "application/x-www-form-urlencoded" : "application/json",
        };
    }

    /// <summary>The message to send.</summary>
    public HttpRequestMessage ToMessage()
    {
        var message = new HttpRequestMessage(Method, Url);
        if (Body is not null)
        {
            message.Content = new ByteArrayContent(Body) { Headers = { ContentType = new MediaTypeHeaderValue(ContentType) } };
        }

        foreach (var (name, value) in Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, value) && message.Content is { } content)
            {
                content.Headers.Remove(name);
                content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        if (message.Headers.Accept.Count == 0)
        {
            message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        }

        return message;
    }

    private static JsonElement Root(ServicePage? page) => page is null ? default : JsonValues.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("number", page.Number);
        writer.WriteNumber("offset", page.Offset);
        if (page.Next.ValueKind != JsonValueKind.Undefined)
        {
            writer.WritePropertyName("next");
            page.Next.WriteTo(writer);
        }

        writer.WriteEndObject();
    });

    private static string Path(ServiceDefinition service, string operation, RequestTemplate template, ServiceTemplate values)
    {
        var path = values.FillText(template.Path, Uri.EscapeDataString)
            ?? throw Refused(service, operation, "a value that its path needs is not given", "Give it in the step's 'config'.");
        // A dot segment or an empty one would lead to another operation, and no escaping hides it from URL normalisation.
        return !path[1..].Split('/').Any(segment => segment is "" or "." or "..") || path == template.Path
            ? path
            : throw Refused(service, operation, "a value in its path is empty, '.' or '..'", "Correct the parameters of the call: the step's 'config', or the input that it reads.");
    }

    private static IEnumerable<KeyValuePair<string, string>> Query(RequestTemplate template, ServiceTemplate values) =>
        template.Query.Select(pair => KeyValuePair.Create(pair.Key, values.FillText(pair.Value))).Where(pair => pair.Value is not null)!;

    private static List<KeyValuePair<string, string>> MakeHeaders(ServiceDefinition service, string operation, RequestTemplate template, ServiceTemplate values)
    {
        List<KeyValuePair<string, string>> headers = [];
        foreach (var (name, text) in template.Headers)
        {
            if (values.FillText(text) is not { } value)
            {
                continue;
            }

            value = new string([.. value.Select(c => char.IsControl(c) ? ' ' : c)]).Trim();
            headers.Add(value.All(char.IsAscii)
                ? KeyValuePair.Create(name, value)
                : throw Refused(service, operation, $"the header {name} can hold only ASCII characters", "Correct the parameters of the call: the step's 'config', or the input that it reads."));
        }

        return headers;
    }

    private static byte[]? BodyOf(RequestTemplate template, ServiceTemplate values)
    {
        var body = values.Fill(template.Body);
        if (body.ValueKind == JsonValueKind.Undefined)
        {
            return null;
        }

        return template.BodyType == BodyType.Form && body.ValueKind == JsonValueKind.Object
            ? Encoding.UTF8.GetBytes(Encode(body.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, ServiceTemplate.ToText(member.Value)))))
            : Encoding.UTF8.GetBytes(JsonValues.ToJson(body));
    }

    private static string? FindKey(ServiceDefinition service, Func<string, string?> variable)
    {
        if (service.Auth is not { } auth)
        {
            return null;
        }

        foreach (var name in auth.Variables)
        {
            if (variable(name)?.Trim() is { Length: > 0 } key)
            {
                // Line breaks would begin another header; anything but ASCII no header can hold.
                return key.All(static c => c is >= ' ' and <= '~') ? key : throw Setting(
                    service, ErrorTypes.InvalidSetting, $"{name} holds a line break or a character beyond ASCII, which no key has", $"Correct {name} in the environment.");
            }
        }

        var names = string.Join(" or ", auth.Variables);
        throw Setting(service, ErrorTypes.MissingSetting, $"{names} is not set: {service.Name} cannot be asked without a key", $"Set {names} in the environment.");
    }

    private static WorkflowException Setting(ServiceDefinition service, string type, string problem, string suggestion) => new(new WorkflowError
    {
        Type = type,
        Category = ErrorCategory.Config,
        Message = $"{problem}.",
        Details = new ErrorDetails { Service = service.Name, Suggestions = [suggestion] },
    });

    private static Uri Combine(ServiceDefinition service, string url, List<KeyValuePair<string, string>> query) =>
        Uri.TryCreate(query.Count == 0 ? url : $"{url}?{Encode(query)}", UriKind.Absolute, out var whole) && whole.Scheme is "http" or "https"
            ? whole
            : throw new WorkflowException(new WorkflowError
            {
                Type = ErrorTypes.InvalidServiceFile,
                Category = ErrorCategory.Config,
                Message = $"The service {service.Name} cannot be called: its base URL is not an absolute http or https URL"
                    + $"{(service.BaseUrlVariable is { } name ? $" (see {name})" : "")}.",
                Details = new ErrorDetails { Service = service.Name, Suggestions = [$"Correct services/{service.Name}.json or its variables."] },
            });

    private static string Encode(IEnumerable<KeyValuePair<string, string>> pairs) =>
        string.Join('&', pairs.Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value)}"));

    private static IEnumerable<KeyValuePair<string, string>> Pairs(string query) =>
        query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
            .Select(pair => KeyValuePair.Create(Decode(pair[0]), pair.Length > 1 ? Decode(pair[1]) : ""));

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    private static WorkflowException Refused(ServiceDefinition service, string operation, string problem, string suggestion) => new(new WorkflowError
    {
        Type = ErrorTypes.InvalidParameter,
        Category = ErrorCategory.Config,
        Message = $"{service.Name}.{operation} cannot be called: {problem}.",
        Details = new ErrorDetails { Service = service.Name, Operation = operation, Suggestions = [suggestion] },
    });
}
