using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>The files under <c>services/</c>. A changed file counts from the next call on.</summary>
internal sealed partial class ServiceCatalog(EngineOptions options)
{
    private readonly ConcurrentDictionary<string, Loaded> _loaded = new(StringComparer.Ordinal);

    private string Folder => Path.Combine(options.WorkflowsDirectory, "services");

    /// <summary>All services that have a file, in order.</summary>
    public IReadOnlyList<string> Names => Directory.Exists(Folder)
        ? [.. Directory.EnumerateFiles(Folder, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>A service by name.</summary>
    /// <exception cref="WorkflowException"><see cref="ErrorTypes.UnknownService"/> or <see cref="ErrorTypes.InvalidServiceFile"/>.</exception>
    public ServiceDefinition Get(string name)
    {
        // The name becomes part of a path.
        var file = ServiceName().IsMatch(name) ? new FileInfo(Path.Combine(Folder, name + ".json")) : null;
        if (file is not { Exists: true })
        {
            throw Unknown(name, null, $"There is no service '{Redactor.Text(name)}'.", Names);
        }

        var stamp = (file.LastWriteTimeUtc, file.Length);
        if (_loaded.TryGetValue(name, out var loaded) && loaded.Stamp == stamp)
        {
            return loaded.Definition;
        }

        var definition = Read(name, file);
        _loaded[name] = new Loaded(stamp, definition);
        return definition;
    }

    /// <summary>A service's operation by name.</summary>
    /// <exception cref="WorkflowException">As <see cref="Get"/>; <see cref="ErrorTypes.UnknownService"/> also for an unknown operation.</exception>
    public static ServiceOperation GetOperation(ServiceDefinition service, string operation) =>
        service.Operations.TryGetValue(operation, out var definition)
            ? definition
            : throw Unknown(
                service.Name, operation, $"The service {service.Name} has no operation '{Redactor.Text(operation)}'.", [.. service.Operations.Keys]);

    private static ServiceDefinition Read(string name, FileInfo file)
    {
        try
        {
            using var stream = file.OpenRead();
            var definition = JsonSerializer.Deserialize(stream, ServiceJson.Default.ServiceDefinition) ?? throw new JsonException("null");
            return Problem(name, definition) is { } problem ? throw Invalid(name, problem, null) : definition;
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            throw Invalid(name, exception.Message, exception);
        }
    }

    private static string? Problem(string name, ServiceDefinition definition) =>
        definition.Name != name ? $"'name' must be '{name}', as the file's"
        : !Uri.TryCreate(definition.BaseUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") ? "'base_url' must be an absolute http or https URL"
        : definition.TimeoutSeconds is not (> 0 and <= 600) ? "'timeout_seconds' must lie above 0 and be at most 600"
        : definition.Auth is { Variables.Count: 0 } ? "'auth.variables' must name at least one variable"
        : definition.Operations.FirstOrDefault(operation => !operation.Value.Path.StartsWith('/')) is { Key: { } key } ? $"'operations.{key}.path' must start with /"
        : null;

    private static WorkflowException Invalid(string name, string problem, Exception? inner) => new(
        new WorkflowError
        {
            Type = ErrorTypes.InvalidServiceFile,
            Category = ErrorCategory.Config,
            Message = $"services/{name}.json is invalid: {Redactor.Text(problem)}",
            Details = new ErrorDetails { Service = name, Suggestions = [$"Correct services/{name}.json; it is read again at the next call."] },
        },
        inner);

    private static WorkflowException Unknown(string service, string? operation, string message, IReadOnlyCollection<string> known) => new(new WorkflowError
    {
        Type = ErrorTypes.UnknownService,
        Category = ErrorCategory.Config,
        Message = $"{message} {NearestNames.Suggest(operation ?? service, known)}".TrimEnd(),
        Details = new ErrorDetails
        {
            Service = Redactor.Text(service),
            Operation = Redactor.Text(operation),
            Suggestions = [$"Correct the step, or add it to services/. Known: {string.Join(", ", known)}."],
        },
    });

    [GeneratedRegex("^[a-z][a-z0-9_]{0,99}$")]
    private static partial Regex ServiceName();

    private sealed record Loaded((DateTime Written, long Length) Stamp, ServiceDefinition Definition);
}
