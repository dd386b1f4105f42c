using System.ComponentModel;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.ExternalServices.Caching;
using Figures = LlmWorkflow.Engine.ExternalServices.Caching.CacheFigures;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>The cache of external services.</summary>
internal static class CacheEndpoints
{
    private const int LongestName = 255;

    private const string ServiceText = "Only this service.";
    private const string OperationText = "Only this operation of the service.";

    public static RouteHandlerBuilder MapCacheStats(this IEndpointRouteBuilder api) => api.MapGet("/api/v1/cache/stats", StatsAsync);

    public static RouteHandlerBuilder MapCacheClear(this IEndpointRouteBuilder api) =>
        api.MapDelete("/api/v1/cache", ClearAsync).WithMetadata(new RequiredScope(ApiScope.Admin));

    private static async Task StatsAsync(
        HttpContext context, CacheAdministration cache, [Description(ServiceText)] string? service, [Description(OperationText)] string? operation)
    {
        if (await IsRightAsync(context, service, operation, null, "service", "operation"))
        {
            var stats = await cache.StatsAsync(service, operation, context.RequestAborted);
            var response = new CacheStatsResponse { Operations = [.. stats.Operations.Select(Contract)], Totals = Contract(stats.Totals) };
            await ProblemDetailsMapping.WriteJsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(response, ApiJson.Wire.CacheStatsResponse));
        }
    }

    private static async Task ClearAsync(
        HttpContext context,
        CacheAdministration cache,
        [Description(ServiceText)] string? service,
        [Description(OperationText)] string? operation,
        [Description("Only this kept reply: `service:operation:hash`.")] string? key)
    {
        if (await IsRightAsync(context, service, operation, key, "service", "operation", "key"))
        {
            var deleted = await cache.RemoveAsync(service, operation, key, context.RequestAborted);
            var response = new CacheClearResponse { Deleted = deleted };
            await ProblemDetailsMapping.WriteJsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(response, ApiJson.Wire.CacheClearResponse));
        }
    }

    // A misspelt or empty parameter would widen what is deleted, so it is refused. False: something is wrong, and the problem is written.
    private static async Task<bool> IsRightAsync(HttpContext context, string? service, string? operation, string? key, params string[] known)
    {
        List<ProblemIssue> issues =
        [
            .. context.Request.Query.Keys.Where(name => !known.Contains(name, StringComparer.OrdinalIgnoreCase))
                .Select(name => new ProblemIssue { Parameter = Cut(name), Message = $"is not known; there is {string.Join(", ", known)}" }),
            .. new[] { ("service", service), ("operation", operation) }.Where(pair => pair.Item2 is { } name && !IsName(name))
                .Select(pair => new ProblemIssue { Parameter = pair.Item1, Message = $"must be the name of {(pair.Item1 == "service" ? "a service" : "an operation")}" }),
        ];
        if (operation is not null && service is null)
        {
            issues.Add(new() { Parameter = "operation", Message = "needs 'service': operations of different services may have the same name" });
        }

        if (key is not null && !CacheAdministration.IsKey(key))
        {
            issues.Add(new() { Parameter = "key", Message = "must be the key of a kept reply: service:operation:hash, with 32 hexadecimal digits" });
        }

        if (issues.Count == 0)
        {
            return true;
        }

        await ProblemDetailsMapping.WriteAsync(context, ApiErrors.Invalid(string.Join("; ", issues.Select(issue => $"{issue.Parameter} {issue.Message}")) + "."), issues);
        return false;
    }

    private static bool IsName(string name) => name.Length is > 0 and <= LongestName && !name.Any(char.IsControl);

    private static string Cut(string name) => name.Length <= LongestName ? name : name[..LongestName];

    private static OperationCache Contract(OperationCacheStats stats)
    {
        var figures = Contract(stats.Figures);
        return new()
        {
            Service = stats.Service, Operation = stats.Operation, Entries = figures.Entries, ExpiredEntries = figures.ExpiredEntries, Bytes = figures.Bytes,
            OldestSeconds = figures.OldestSeconds, NewestSeconds = figures.NewestSeconds, Hits = figures.Hits, MemoryHits = figures.MemoryHits,
            RedisHits = figures.RedisHits, TableHits = figures.TableHits, Shared = figures.Shared, Misses = figures.Misses, Stale = figures.Stale,
            Errors = figures.Errors, Since = figures.Since,
        };
    }

    private static Client.Contracts.CacheFigures Contract(Figures figures) => new()
    {
        Entries = figures.Entries,
        ExpiredEntries = figures.ExpiredEntries,
        Bytes = figures.Bytes,
        OldestSeconds = Seconds(figures.OldestSeconds),
        NewestSeconds = Seconds(figures.NewestSeconds),
        Hits = figures.MemoryHits + figures.RedisHits + figures.TableHits + figures.Shared,
        MemoryHits = figures.MemoryHits,
        RedisHits = figures.RedisHits,
        TableHits = figures.TableHits,
        Shared = figures.Shared,
        Misses = figures.Misses,
        Stale = figures.Stale,
        Errors = figures.Errors,
        Since = figures.Since,
    };

    private static double? Seconds(double? seconds) => seconds is { } value ? Math.Round(value, 3) : null;
}
