using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>The files under <c>services/</c>. A changed file counts from the next call on; while it is broken, its last good version does.</summary>
internal sealed class ServiceCatalog(EngineOptions options, ILogger<ServiceCatalog>? logger = null)
{
    /// <summary>The folder's name under the workflows folder.</summary>
    public const string FolderName = "services";

    private readonly ConcurrentDictionary<string, Loaded> _loaded = new(StringComparer.Ordinal);
    private readonly ILogger _logger = logger ?? NullLogger<ServiceCatalog>.Instance;

    private string Folder => Path.Combine(options.WorkflowsDirectory, FolderName);

    /// <summary>All services that have a file, in order.</summary>
    public IReadOnlyList<string> Names => Directory.Exists(Folder)
        ? [.. Directory.EnumerateFiles(Folder, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>A service by name.</summary>
    /// <exception cref="WorkflowException">
    /// <see cref="ErrorTypes.UnknownService"/>; <see cref="ErrorTypes.InvalidServiceFile"/> when its file is broken and was never good since the start.
    /// </exception>
    public ServiceDefinition Get(string name)
    {
        // The name becomes part of a path.
        var file = ServiceFileReader.IsName(name) ? new FileInfo(Path.Combine(Folder, name + ".json")) : null;
        if (file is not { Exists: true })
        {
            throw Unknown(name, null, $"There is no service '{Redactor.Text(name)}'.", Names);
        }

        var stamp = (file.LastWriteTimeUtc, file.Length);
        var before = _loaded.GetValueOrDefault(name);
        var loaded = before?.Stamp == stamp ? before : Load(name, file, stamp, before);
        return loaded!.Definition ?? throw new WorkflowException(loaded.Error!);
    }

    /// <summary>A service's operation by name.</summary>
    /// <exception cref="WorkflowException">As <see cref="Get"/>; <see cref="ErrorTypes.UnknownService"/> also for an unknown operation.</exception>
    public static ServiceOperation GetOperation(ServiceDefinition service, string operation) =>
        service.Operations.TryGetValue(operation, out var definition)
            ? definition
            : throw Unknown(
                service.Name, operation, $"The service {service.Name} has no operation '{Redactor.Text(operation)}'.", [.. service.Operations.Keys]);

    private Loaded Load(string name, FileInfo file, (DateTime, long) stamp, Loaded? before)
    {
        var (definition, problem) = Read(name, file);
        var loaded = definition is not null
            ? new Loaded(stamp, definition, null)
            : new Loaded(stamp, before?.Definition, Invalid(name, problem!));
        // Of several that read the same edit, one tells it.
        if (before is null ? _loaded.TryAdd(name, loaded) : _loaded.TryUpdate(name, loaded, before))
        {
            if (problem is not null)
            {
                ServiceLog.Broken(_logger, name, problem, before?.Definition is not null);
            }
            else if (before is not null)
            {
                ServiceLog.Reloaded(_logger, name);
            }
        }

        return loaded;
    }

    private static (ServiceDefinition? Definition, string? Problem) Read(string name, FileInfo file)
    {
        try
        {
            var (definition, faults) = ServiceFileReader.Read(name, File.ReadAllText(file.FullName, Encoding.UTF8));
            return faults is [var first, ..]
                ? (null, Redactor.Text(first.ToString()) + (faults.Count == 1 ? "" : $" ({faults.Count} issues; 'llmflow validate' tells all)"))
                : (definition, null);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            return (null, Redactor.Text(exception.Message));
        }
    }

    private static WorkflowError Invalid(string name, string problem) => new()
    {
        Type = ErrorTypes.InvalidServiceFile,
        Category = ErrorCategory.Config,
        Message = $"services/{name}.json is invalid: {problem}",
        Details = new ErrorDetails { Service = name, Suggestions = [$"Correct services/{name}.json; it is read again at the next call."] },
    };

    private static WorkflowException Unknown(string service, string? operation, string message, IReadOnlyCollection<string> known) => new(new WorkflowError
    {
        Type = ErrorTypes.UnknownService,
        Category = ErrorCategory.Config,
        Message = $"{message} {NearestNames.Suggest(operation ?? service, known)}".TrimEnd(),
        Details = new ErrorDetails
        {
            Service = Redactor.Text(service),
            Operation = Redactor.Text(operation),
            Suggestions = [$"Correct the name, or add it to services/. Known: {string.Join(", ", known)}."],
        },
    });

    /// <summary>What a file said when it was read.</summary>
    /// <param name="Stamp">Of the file.</param>
    /// <param name="Definition">What counts: the file's, else the one before it.</param>
    /// <param name="Error">Null: the file is good.</param>
    private sealed record Loaded((DateTime Written, long Length) Stamp, ServiceDefinition? Definition, WorkflowError? Error);
}

internal static partial class ServiceLog
{
    [LoggerMessage(1701, LogLevel.Error, "services/{Service}.json is broken: {Problem}; last good version in use: {LastGoodInUse}")]
    public static partial void Broken(ILogger logger, string service, string problem, bool lastGoodInUse);

    [LoggerMessage(1702, LogLevel.Information, "services/{Service}.json was changed and is in use")]
    public static partial void Reloaded(ILogger logger, string service);
}
