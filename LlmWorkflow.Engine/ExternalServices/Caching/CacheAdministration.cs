using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>The cache of external services as operators see it.</summary>
public sealed class CacheAdministration
{
    private readonly ResponseCache _cache;
    private readonly ServiceCatalog _catalog;

    internal CacheAdministration(ResponseCache cache, ServiceCatalog catalog) => (_cache, _catalog) = (cache, catalog);

    /// <summary>Whether a text has the form of a key: service, operation and hash.</summary>
    public static bool IsKey(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split(':') is [{ Length: > 0 }, { Length: > 0 }, { Length: 32 } hash] && hash.All(char.IsAsciiHexDigitLower) && !text.Contains('\0', StringComparison.Ordinal);
    }

    /// <summary>What the cache holds, and what became of requests.</summary>
    /// <param name="service">Only this service; null: all.</param>
    /// <param name="operation">Only this operation of it; null: all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="WorkflowException"><see cref="ErrorTypes.UnknownService"/>.</exception>
    public async Task<CacheStats> StatsAsync(string? service, string? operation, CancellationToken cancellationToken)
    {
        var stats = await _cache.StatsAsync(cancellationToken);
        Check(service, operation, stats);
        return service is null ? stats : CacheStats.Of(
            [.. stats.Operations.Where(found => found.Service == service && (operation is null || found.Operation == operation))]);
    }

    /// <summary>Deletes kept replies everywhere; null: any. Gives how many there were.</summary>
    /// <param name="service">Only of this service.</param>
    /// <param name="operation">Only of this operation of it.</param>
    /// <param name="key">Only this one.</param>
    /// <param name="cancellationToken">Gives up; what is deleted stays so.</param>
    /// <exception cref="WorkflowException"><see cref="ErrorTypes.UnknownService"/>.</exception>
    public async Task<long> RemoveAsync(string? service, string? operation, string? key, CancellationToken cancellationToken)
    {
        if (service is not null)
        {
            Check(service, operation, await _cache.StatsAsync(cancellationToken));
        }

        return await _cache.RemoveAsync(service, operation, key, cancellationToken);
    }

    // Known is what has a file, and what has left something: its file may be gone.
    private void Check(string? service, string? operation, CacheStats stats)
    {
        if (service is null)
        {
            return;
        }

        string[] services = [.. _catalog.Names.Concat(stats.Operations.Select(found => found.Service)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (!services.Contains(service))
        {
            throw Unknown("There is no service", service, services);
        }

        string[] operations =
        [
            .. Operations(service).Concat(stats.Operations.Where(found => found.Service == service).Select(found => found.Operation)).Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal),
        ];
        if (operation is not null && !operations.Contains(operation))
        {
            throw Unknown($"The service {service} has no operation", operation, operations);
        }
    }

    private IEnumerable<string> Operations(string service)
    {
        try
        {
            return _catalog.Get(service).Operations.Keys;
        }
        catch (WorkflowException)
        {
            // Without a file, or with a broken one, only what is kept tells.
            return [];
        }
    }

    private static WorkflowException Unknown(string what, string name, string[] known) => new(new WorkflowError
    {
        Type = ErrorTypes.UnknownService,
        Category = ErrorCategory.User,
        Message = $"{what} '{Redactor.Text(name)}'. {NearestNames.Suggest(name, known)}".TrimEnd(),
        Details = new ErrorDetails { Suggestions = known.Length > 0 ? [$"Known: {string.Join(", ", known)}."] : [] },
    });
}
