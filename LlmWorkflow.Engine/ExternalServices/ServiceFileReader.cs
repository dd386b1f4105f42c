using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>
/// Reads a file under <c>workflows/services/</c>. Nothing in it is guessed: an unknown property, an expression that reads what is not there or a number out of bounds
/// refuses the file. For editors the same is said in <c>workflows/service.schema.json</c>.
/// </summary>
internal sealed partial class ServiceFileReader
{
    private const double LongestCache = 30 * 24 * 3600;

    private static readonly ServiceDefinition s_nothing = new() { Name = "", BaseUrl = "", Operations = new Dictionary<string, ServiceOperation>() };

    private readonly List<FileFault> _faults = [];

    private ServiceFileReader()
    {
    }

    /// <summary>Parses a file's text, and notes everything that is wrong with it. With faults the service is not to be used.</summary>
    /// <param name="name">The file's name without ending; null: any.</param>
    /// <param name="json">The text.</param>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static (ServiceDefinition Service, IReadOnlyList<FileFault> Faults) Read(string? name, string json)
    {
        var reader = new ServiceFileReader();
        var service = reader.Service(name, JsonElement.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false }));
        return (service, reader._faults);
    }

    /// <summary>Whether a text can be the name of a service or operation.</summary>
    public static bool IsName(string name) => NamePattern().IsMatch(name);

    private ServiceDefinition Service(string? name, JsonElement value)
    {
        var root = new FileFields(value, [], _faults);
        if (!root.Allow(
            "$schema", "name", "description", "base_url", "base_url_variable", "auth", "timeout_seconds", "retry", "circuit_breaker", "rate_limit", "max_response_bytes",
            "cache_ttl_seconds", "stale_if_error_seconds", "allow_private_addresses", "redirect_hosts", "success", "error_message", "errors", "operations"))
        {
            return s_nothing;
        }

        root.Text("$schema");
        var allowPrivate = root.Flag("allow_private_addresses");
        var service = new ServiceDefinition
        {
            Name = Name(root, name),
            Description = root.Text("description"),
            BaseUrl = BaseUrl(root, allowPrivate),
            BaseUrlVariable = Variable(root.Text("base_url_variable"), [.. root.Path, "base_url_variable"], "_BASE_URL"),
            Auth = Auth(root.Object("auth")),
            TimeoutSeconds = root.Number("timeout_seconds", 0, 600, aboveLeast: true) ?? s_nothing.TimeoutSeconds,
            Retry = Retry(root.Object("retry")),
            CircuitBreaker = Breaker(root.Object("circuit_breaker")),
            RateLimit = RateLimit(root.Object("rate_limit")),
            MaxResponseBytes = root.Whole("max_response_bytes", 1024, 16 * 1024 * 1024) ?? s_nothing.MaxResponseBytes,
            CacheTtlSeconds = root.Number("cache_ttl_seconds", 0, LongestCache),
            StaleIfErrorSeconds = root.Number("stale_if_error_seconds", 0, LongestCache),
            AllowPrivateAddresses = allowPrivate,
            RedirectHosts = RedirectHosts(root),
            Operations = s_nothing.Operations,
        };
        return service with { Operations = Operations(root, service.Auth) };
    }

    private string Name(FileFields root, string? file)
    {
        var name = root.Text("name", required: true);
        if (name is not null && !IsName(name))
        {
            root.Fault("name", FileFaultKind.InvalidName, "must consist of small letters, digits and '_', beginning with a letter, at most 100 long");
        }
        else if (name is not null && file is not null && name != file)
        {
            root.Fault("name", FileFaultKind.NameMismatch, $"is not '{file}', as the file's", "Rename one of them.");
        }

        return name ?? "";
    }

    private string BaseUrl(FileFields root, bool allowPrivate)
    {
        var text = root.Text("base_url", required: true);
        if (text is null)
        {
            return "";
        }

        if (DestinationGuard.CheckUrl(text, allowPrivate) is { } problem)
        {
            var suggestion = DestinationGuard.CheckUrl(text, allowPrivate: true) is null ? "If the service runs inside your network, set \"allow_private_addresses\"."
                : Uri.TryCreate(text, UriKind.Absolute, out var url) && url.UserInfo.Length > 0 ? "Put the key into 'auth'."
                : null;
            root.Fault("base_url", problem, suggestion);
        }
        else if (text.AsSpan().IndexOfAny('?', '#') >= 0)
        {
            root.Fault("base_url", "must not hold a query or fragment", "Put it into the operations' 'query'.");
        }

        return text;
    }

    private string? Variable(string? name, IReadOnlyList<string> path, params IReadOnlyList<string> endings)
    {
        if (name is not null && !(VariablePattern().IsMatch(name) && endings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal))))
        {
            _faults.Add(new(path, FileFaultKind.InvalidName, $"must be a name in capitals that ends in {string.Join(" or ", endings)}: nothing else of the environment can be read"));
        }
        else if (name is not null && EngineSettings.IsOwnKey(name))
        {
            _faults.Add(new(path, FileFaultKind.InvalidName, "is a key of this service's own, which files cannot read"));
        }

        return name;
    }

    private ServiceAuth? Auth(FileFields? fields)
    {
        if (fields is null || !fields.Allow("in", "name", "prefix", "variables"))
        {
            return null;
        }

        var place = fields.OneOf("in", ["header", "query", "bearer"], required: true);
        var name = fields.Text("name", required: place is "header" or "query");
        var prefix = fields.Text("prefix");
        if (place == "bearer" && (name ?? prefix) is not null)
        {
            fields.Fault(name is null ? "prefix" : "name", FileFaultKind.ConflictingProperties, "cannot stand beside \"in\": \"bearer\", which is the header Authorization");
        }
        else if (place == "header" && name is not null && HeaderProblem(name) is { } problem)
        {
            fields.Fault("name", problem);
        }
        else if (name is "")
        {
            fields.Fault("name", "must not be empty");
        }

        if (prefix?.Any(c => char.IsControl(c) || !char.IsAscii(c)) == true)
        {
            fields.Fault("prefix", "must consist of ASCII characters");
        }

        var variables = fields.Texts("variables", required: true);
        foreach (var (index, variable) in variables.Index())
        {
            Variable(variable, [.. fields.Path, "variables", index.ToString(System.Globalization.CultureInfo.InvariantCulture)], "_API_KEY", "_API_TOKEN");
        }

        return place switch
        {
            "bearer" => new ServiceAuth { In = AuthPlace.Bearer, Name = "Authorization", Prefix = "Bearer ", Variables = variables },
            "query" => new ServiceAuth { In = AuthPlace.Query, Name = name ?? "", Prefix = prefix ?? "", Variables = variables },
            _ => new ServiceAuth { In = AuthPlace.Header, Name = name ?? "", Prefix = prefix ?? "", Variables = variables },
        };
    }

    /// <summary>Why a text cannot be the name of a header that a file sets; null: it can.</summary>
    public static string? HeaderProblem(string name) =>
        !HeaderPattern().IsMatch(name) ? "must be the name of a header, such as X-Api-Key"
        : name.ToUpperInvariant() is "HOST" or "CONTENT-LENGTH" or "TRANSFER-ENCODING" or "CONNECTION" or "KEEP-ALIVE" or "UPGRADE" or "EXPECT" or "TE" or "TRAILER"
            ? "is a header that the HTTP client sets itself"
        : null;

    private static ServiceRetry Retry(FileFields? fields)
    {
        var usual = s_nothing.Retry;
        if (fields is null || !fields.Allow("max_attempts", "initial_delay_seconds", "backoff_multiplier", "max_delay_seconds", "jitter"))
        {
            return usual;
        }

        var retry = new ServiceRetry
        {
            MaxAttempts = fields.Whole("max_attempts", 1, 10) ?? usual.MaxAttempts,
            InitialDelaySeconds = fields.Number("initial_delay_seconds", 0, 60) ?? usual.InitialDelaySeconds,
            BackoffMultiplier = fields.Number("backoff_multiplier", 1, 10) ?? usual.BackoffMultiplier,
            MaxDelaySeconds = fields.Number("max_delay_seconds", 0, 300) ?? usual.MaxDelaySeconds,
            Jitter = fields.FlagOrNull("jitter") ?? usual.Jitter,
        };
        if (retry.MaxDelaySeconds < retry.InitialDelaySeconds)
        {
            var place = fields.Has("max_delay_seconds") ? "max_delay_seconds" : "initial_delay_seconds";
            fields.Fault(place, FormattableString.Invariant($"makes the longest delay ({retry.MaxDelaySeconds} s) shorter than the first ({retry.InitialDelaySeconds} s)"));
        }

        return retry;
    }

    private static ServiceBreaker Breaker(FileFields? fields)
    {
        var usual = s_nothing.CircuitBreaker;
        return fields is null || !fields.Allow("failure_ratio", "minimum_calls", "within_seconds", "open_seconds")
            ? usual
            : new ServiceBreaker
            {
                FailureRatio = fields.Number("failure_ratio", 0, 1, aboveLeast: true) ?? usual.FailureRatio,
                MinimumCalls = fields.Whole("minimum_calls", 2, 10_000) ?? usual.MinimumCalls,
                WithinSeconds = fields.Number("within_seconds", 1, 3600) ?? usual.WithinSeconds,
                OpenSeconds = fields.Number("open_seconds", 1, 3600) ?? usual.OpenSeconds,
            };
    }

    private static ServiceRateLimit? RateLimit(FileFields? fields) => fields is null || !fields.Allow("requests", "per_seconds", "burst")
        ? null
        : new ServiceRateLimit
        {
            Requests = fields.Number("requests", 0, 1_000_000, aboveLeast: true, required: true) ?? 1,
            PerSeconds = fields.Number("per_seconds", 0, 86_400, aboveLeast: true) ?? 1,
            Burst = fields.Number("burst", 1, 1_000_000),
        };

    private IReadOnlyList<string> RedirectHosts(FileFields root)
    {
        var hosts = root.Texts("redirect_hosts");
        foreach (var (index, host) in hosts.Index())
        {
            var name = host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host;
            if (Uri.CheckHostName(name) == UriHostNameType.Unknown || (name != host && !name.Contains('.', StringComparison.Ordinal)))
            {
                _faults.Add(new(
                    ["redirect_hosts", index.ToString(System.Globalization.CultureInfo.InvariantCulture)], FileFaultKind.InvalidValue,
                    "must be the name of a host, such as \"cdn.example.com\", or \"*.example.com\" for all below it"));
            }
        }

        return hosts;
    }

    private Dictionary<string, ServiceOperation> Operations(FileFields root, ServiceAuth? auth)
    {
        Dictionary<string, ServiceOperation> operations = new(StringComparer.Ordinal);
        var usual = ReplyRules.OfService(root, _faults);
        foreach (var (name, value, path) in root.Members("operations", required: true))
        {
            if (!IsName(name))
            {
                _faults.Add(new(path, FileFaultKind.InvalidName, "must consist of small letters, digits and '_', beginning with a letter, at most 100 long"));
            }

            if (new ServiceOperationReader(auth, usual, _faults).Read(value, path) is { } operation)
            {
                operations[name] = operation;
            }
        }

        if (root.Any("operations") is { ValueKind: JsonValueKind.Object } all && !all.EnumerateObject().Any())
        {
            root.Fault("operations", "must hold at least one operation");
        }

        return operations;
    }

    [GeneratedRegex("^[a-z][a-z0-9_]{0,99}$", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[A-Z][A-Z0-9_]{0,99}$", RegexOptions.CultureInvariant)]
    private static partial Regex VariablePattern();

    [GeneratedRegex("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$", RegexOptions.CultureInvariant)]
    private static partial Regex HeaderPattern();
}
