using LlmWorkflow.Client.Contracts;

namespace LlmWorkflow.Api.OpenApi;

/// <summary>What the OpenAPI document says of the calls about the cache of external services.</summary>
internal static class CacheDocument
{
    private const string Tag = "Cache";

    private const string Wrong = "A parameter is wrong or unknown; `errors` lists everything at once.";

    private const string Unknown = "No such service or operation; the known ones are given.";

    public static CallDocument Stats { get; } = new()
    {
        Summary = "Cache of external services",
        Description = """
            What the cache holds and what became of requests, by service and operation. Each request counts once: as a hit of a level (memory, Redis, table), as shared (it waited for
            another's call), or as a miss (it made the call). Counts of other processes arrive within 5 s.
            """,
        Tag = Tag,
        Responses = { [200] = (typeof(CacheStatsResponse), "The figures."), [400] = (typeof(ProblemResponse), Wrong), [404] = (typeof(ProblemResponse), Unknown) },
    };

    public static CallDocument Clear { get; } = new()
    {
        Summary = "Delete kept replies",
        Description = """
            Deletes kept replies of external services from all levels of the cache; without a parameter, all of them. What is being fetched in that moment is not kept. A process that cannot
            be told, because Redis is away, may use its own copy for up to 30 s more. Needs an admin key.
            """,
        Tag = Tag,
        Responses =
        {
            [200] = (typeof(CacheClearResponse), "How many were deleted."),
            [400] = (typeof(ProblemResponse), Wrong),
            [403] = (typeof(ProblemResponse), "The key is not an admin key."),
            [404] = (typeof(ProblemResponse), Unknown),
        },
    };
}
