using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Reads one operation of a service file.</summary>
/// <param name="auth">The service's key: a request must not set it itself.</param>
/// <param name="usual">How replies are judged where the operation says nothing.</param>
/// <param name="faults">Takes what is wrong.</param>
internal sealed class ServiceOperationReader(ServiceAuth? auth, ReplyRules usual, List<FileFault> faults)
{
    private const double LongestCache = 30 * 24 * 3600;

    // What decides neither request nor reply.
    private static readonly string[] s_besides = ["description", "timeout_seconds", "cache_ttl_seconds", "stale_if_error_seconds", "idempotent"];

    /// <summary>The operation; null when it is none at all.</summary>
    public ServiceOperation? Read(JsonElement value, IReadOnlyList<string> path)
    {
        var fields = new FileFields(value, path, faults);
        if (!fields.Allow(
            "description", "method", "path", "query", "headers", "body", "body_type", "idempotent", "parameters", "variants", "success", "error_message", "errors", "response",
            "pagination", "timeout_seconds", "cache_ttl_seconds", "stale_if_error_seconds"))
        {
            return null;
        }

        var parameters = new ParameterSchemaReader(faults).Read(fields.Any("parameters"), [.. path, "parameters"]);
        var texts = new ServiceTexts(parameters, fields.Has("pagination"), faults);
        var outcomes = ReplyRules.Of(fields, texts, usual, faults);
        var request = new RequestReader(auth, parameters, texts, faults);
        var operation = new ServiceOperation
        {
            Description = fields.Text("description"),
            Method = RequestReader.Method(fields) ?? (fields.Has("method") ? "POST" : "GET"),
            Path = request.Path(fields, required: true) ?? "/",
            Query = request.Texts(fields, "query"),
            Headers = request.Texts(fields, "headers"),
            Body = request.Body(fields),
            BodyType = request.BodyType(fields),
            Parameters = parameters,
            TimeoutSeconds = fields.Number("timeout_seconds", 0, 600, aboveLeast: true),
            Idempotent = fields.FlagOrNull("idempotent"),
            CacheTtlSeconds = fields.Number("cache_ttl_seconds", 0, LongestCache),
            StaleIfErrorSeconds = fields.Number("stale_if_error_seconds", 0, LongestCache),
            Success = outcomes.Success,
            ErrorMessage = outcomes.ErrorMessage,
            Errors = outcomes.Errors,
            Response = fields.Any("response"),
            Hash = Hash(value, outcomes),
        };
        RequestReader.CheckBody(operation, fields);
        operation = operation with { Variants = Variants(fields, operation, request, texts) };
        operation = operation with { Pagination = Pagination(fields.Object("pagination"), texts) };
        IReadOnlyList<string> roots = ["response", "status", "params", .. operation.Pagination is null ? Array.Empty<string>() : ["items", "pages", "complete"]];
        texts.Value(operation.Response, [.. path, "response"], roots);
        texts.Bracketed(operation.Response, [.. path, "response"], roots);
        CheckCache(operation, fields);
        return operation;
    }

    private List<ServiceVariant> Variants(FileFields fields, ServiceOperation operation, RequestReader request, ServiceTexts texts)
    {
        List<ServiceVariant> variants = [];
        HashSet<string> conditions = new(StringComparer.Ordinal);
        string? always = null;
        foreach (var (value, path) in fields.Items("variants"))
        {
            var variant = new FileFields(value, path, faults);
            if (!variant.Allow("when", "method", "path", "query", "headers", "body", "body_type"))
            {
                continue;
            }

            if (!variant.Has("when"))
            {
                variant.Fault("when", FileFaultKind.MissingProperty, "is missing");
            }

            var when = texts.Bare(variant.Any("when"), [.. path, "when"], ["params"]);
            var ifGiven = when is null ? [] : ServiceTexts.ParametersOf(when).ToHashSet(StringComparer.Ordinal);
            var own = new ServiceVariant
            {
                When = when ?? new LiteralExpression(JsonValues.False, 0),
                Method = RequestReader.Method(variant) ?? operation.Method,
                Path = request.Path(variant, required: false, ifGiven) ?? operation.Path,
                Query = variant.Has("query") ? request.Texts(variant, "query") : operation.Query,
                Headers = variant.Has("headers") ? request.Texts(variant, "headers") : operation.Headers,
                Body = variant.Has("body") ? request.Body(variant) : operation.Body,
                BodyType = variant.Has("body_type") ? request.BodyType(variant) : operation.BodyType,
            };
            RequestReader.CheckBody(own, variant);
            variants.Add(own);
            if (when is null)
            {
                continue;
            }

            if (always is not null || !conditions.Add(when.ToString()))
            {
                variant.Fault("when", always ?? "is that of an earlier variant: this one is never reached", "Remove one of them.");
            }
            else if (!ServiceTexts.Reads(when, "params"))
            {
                always = "comes after a variant whose condition does not depend on 'params': this one is never reached or always";
                variant.Fault("when", "does not depend on 'params': it chooses always or never", "For example exists(params.keyword).");
            }
        }

        return variants;
    }

    private ServicePaging? Pagination(FileFields? fields, ServiceTexts texts)
    {
        if (fields is null || !fields.Allow("items", "next", "next_url", "page_size", "max_pages", "max_items"))
        {
            return null;
        }

        string[] roots = ["response", "status", "params"];
        if (!fields.Has("items"))
        {
            fields.Fault("items", FileFaultKind.MissingProperty, "is missing", "It is the list in a reply, for example response.items.");
        }

        var items = texts.Bare(fields.Any("items"), [.. fields.Path, "items"], roots);
        var next = texts.Bare(fields.Any("next"), [.. fields.Path, "next"], roots);
        var nextUrl = texts.Bare(fields.Any("next_url"), [.. fields.Path, "next_url"], roots);
        if (fields.Has("next") && fields.Has("next_url"))
        {
            fields.Fault("next_url", FileFaultKind.ConflictingProperties, "cannot stand beside 'next'", "Remove one of them.");
        }
        else if (fields.Has("next") && !texts.PageReads.Contains("next"))
        {
            fields.Fault("next", "is not used: no part of the request reads ${page.next}");
        }
        else if (!fields.Has("next") && !fields.Has("next_url") && !texts.PageReads.Overlaps(["number", "offset"]))
        {
            fields.Fault("items", "would be read from the same page again and again: no part of the request reads ${page.number} or ${page.offset}", "Or say where the next page is, by 'next' or 'next_url'.");
        }

        return new ServicePaging
        {
            Items = items ?? new LiteralExpression(JsonValues.Null, 0),
            Next = next,
            NextUrl = nextUrl,
            PageSize = fields.Whole("page_size", 1, 100_000),
            MaxPages = fields.Whole("max_pages", 1, 100) ?? 10,
            MaxItems = MaxItems(fields, texts),
        };
    }

    private static Expression? MaxItems(FileFields fields, ServiceTexts texts) => fields.Any("max_items") is { ValueKind: JsonValueKind.String } text
        ? texts.Bare(text, [.. fields.Path, "max_items"], ["params"])
        : fields.Whole("max_items", 1, 100_000) is { } number ? new LiteralExpression(JsonValues.Number(number), 0) : null;

    private static void CheckCache(ServiceOperation operation, FileFields fields)
    {
        var changes = operation.Method != "GET" || operation.Variants.Any(variant => variant.Method != "GET");
        if (changes && operation is { CacheTtlSeconds: > 0, Idempotent: not true })
        {
            fields.Fault("cache_ttl_seconds", "keeps replies of a request that is not a GET: a second call would not be made", "If it changes nothing, say \"idempotent\": true.");
        }
    }

    private static string Hash(JsonElement value, ReplyRules outcomes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var property in value.EnumerateObject().Where(property => !s_besides.Contains(property.Name)).OrderBy(property => property.Name, StringComparer.Ordinal))
        {
            Append($"{property.Name}={JsonValues.ToJson(property.Value)}");
        }

        Append($"{outcomes.Success}");
        foreach (var rule in outcomes.Errors)
        {
            Append($"{rule.When}={rule.Type}");
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));

        void Append(string part) => hash.AppendData(Encoding.UTF8.GetBytes(part + "\n"));
    }
}
