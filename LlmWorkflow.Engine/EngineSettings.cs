using System.Globalization;
using System.Text;

namespace LlmWorkflow.Engine;

/// <summary>Reads <see cref="EngineOptions"/> from settings; the one place that knows their names (docs/settings.md lists them).</summary>
public static partial class EngineSettings
{
    private const int ShortestEncryptionKey = 32;
    private const int LongestCacheTtl = 30 * 24 * 3600;

    // So that a developer's database survives a restart; refused outside development.
    private const string DevelopmentEncryptionKey = "development-only-encryption-key-32+";

    // What service files may read: keys, tokens and addresses of upstreams, and nothing of this service's own.
    private static readonly string[] ServiceSuffixes = ["_API_KEY", "_API_TOKEN", "_BASE_URL"];
    private static readonly HashSet<string> OwnKeys = new(StringComparer.OrdinalIgnoreCase)
    {
        "LLM_MICROSERVICE_API_KEY", "ADMIN_API_KEY", "OPENROUTER_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY",
    };

    // Names whose settings would be those of something else.
    private static readonly HashSet<string> TakenNames = new(StringComparer.OrdinalIgnoreCase)
    {
        "OPENROUTER", "OPENAI", "ANTHROPIC", "OPENAI_COMPATIBLE", "LLM_MICROSERVICE", "ADMIN", "GOOGLE_PLACES", "GOOGLE_SERVICES", "WEATHERAPI", "HTTP_EXAMPLE",
    };

    /// <summary>
    /// Reads and checks all settings of the engine. The result fills an <see cref="EngineOptions"/>.
    /// </summary>
    /// <param name="setting">The text of a setting by name, null when it is unset or blank.</param>
    /// <param name="development">Allows what production must not: a fixed encryption key, webhooks to private addresses.</param>
    /// <param name="reject">Called with name and problem of each wrong setting; values are never repeated.</param>
    public static Action<EngineOptions> Read(Func<string, string?> setting, bool development, Action<string, string> reject)
    {
        ArgumentNullException.ThrowIfNull(setting);
        ArgumentNullException.ThrowIfNull(reject);
        new Reading(setting, reject).Fill(new(), development);
        return options => new Reading(setting, static (_, _) => { }).Fill(options, development);
    }

    /// <summary>Whether a variable holds a key of this service's own, which no service file can read.</summary>
    internal static bool IsOwnKey(string name) => OwnKeys.Contains(name);

    private static bool IsForServices(string name, IReadOnlyList<CompatibleProvider> providers) =>
        ServiceSuffixes.Any(s => name.EndsWith(s, StringComparison.OrdinalIgnoreCase)) && !OwnKeys.Contains(name)
        && !providers.Any(provider => name.Equals($"{provider.Name}_API_KEY", StringComparison.OrdinalIgnoreCase));

    private sealed partial class Reading(Func<string, string?> setting, Action<string, string> reject)
    {
        public void Fill(EngineOptions options, bool development)
        {
            options.WorkflowsDirectory = setting("WORKFLOWS_DIR") ?? options.WorkflowsDirectory;
            options.RedisPrefix = RedisPrefix(options.RedisPrefix);
            options.OpenRouterBaseUrl = Url("OPENROUTER_BASE_URL", options.OpenRouterBaseUrl);
            options.OpenRouterApiKey = setting("OPENROUTER_API_KEY");
            options.OpenAIBaseUrl = Url("OPENAI_BASE_URL", options.OpenAIBaseUrl);
            options.OpenAIApiKey = setting("OPENAI_API_KEY");
            options.AnthropicBaseUrl = Url("ANTHROPIC_BASE_URL", options.AnthropicBaseUrl);
            options.AnthropicApiKey = setting("ANTHROPIC_API_KEY");
            options.CompatibleProviders = CompatibleProviders();
            options.DefaultProvider = DefaultProvider(options);
            options.WebhookSecret = Secret("LLM_WEBHOOK_SECRET");
            options.WebhookTimeout = Seconds("WEBHOOK_TIMEOUT", options.WebhookTimeout, 1, 300);
            options.WebhookRetryDelays = Delays("WEBHOOK_RETRY_DELAYS", options.WebhookRetryDelays);
            options.AllowPrivateWebhooks = Flag("WEBHOOK_ALLOW_PRIVATE", development);
            options.EncryptionKey = EncryptionKey(development);
            options.CaptureMessageContent = Flag("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", false);
            options.CacheDefaultTtl = Seconds("CACHE_DEFAULT_TTL", options.CacheDefaultTtl, 0, LongestCacheTtl);
            // Asked here too, so that the check of unknown settings knows them.
            _ = Url("GOOGLE_PLACES_BASE_URL", null);
            _ = setting("GOOGLE_SERVICES_API_KEY") ?? setting("GOOGLE_PLACES_API_KEY");
            _ = Url("WEATHERAPI_BASE_URL", null);
            _ = setting("WEATHERAPI_API_KEY");
            _ = Url("HTTP_EXAMPLE_BASE_URL", null);
            _ = setting("HTTP_EXAMPLE_API_KEY");
            var providers = options.CompatibleProviders;
            options.Variable = name => IsForServices(name, providers) ? setting(name) : null;
        }

        private string RedisPrefix(string fallback)
        {
            var prefix = setting("REDIS_PREFIX") ?? fallback;
            // Braces would move the keys out of their hash tag.
            if (prefix.Length <= 64 && prefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or ':' or '.'))
            {
                return prefix;
            }

            reject("REDIS_PREFIX", "must be at most 64 letters, digits, '_', '-', ':' or '.'");
            return fallback;
        }

        private string EncryptionKey(bool development)
        {
            if (setting("ENCRYPTION_KEY") is not { } key)
            {
                if (!development)
                {
                    reject("ENCRYPTION_KEY", $"is missing: set it to a random text of at least {ShortestEncryptionKey} characters, the same for API and workers");
                }

                return DevelopmentEncryptionKey;
            }

            if (!development && key == DevelopmentEncryptionKey)
            {
                reject("ENCRYPTION_KEY", "is the one for development");
            }
            else if (key.Length < ShortestEncryptionKey)
            {
                reject("ENCRYPTION_KEY", $"must have at least {ShortestEncryptionKey} characters");
            }

            return key;
        }

        private string? Secret(string name)
        {
            if (setting(name) is not { } secret)
            {
                return null;
            }

            if (Encoding.UTF8.GetByteCount(secret) is < 8 or > 512)
            {
                reject(name, "must have 8 to 512 bytes");
            }

            return secret;
        }

        private Uri Url(string name, Uri? fallback)
        {
            if (setting(name) is { } text)
            {
                if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Query.Length == 0)
                {
                    return url;
                }

                reject(name, "must be an http:// or https:// URL without a query");
            }

            return fallback!;
        }

        private TimeSpan Seconds(string name, TimeSpan fallback, double least, double most)
        {
            if (setting(name) is not { } text)
            {
                return fallback;
            }

            if (TryNumber(text, least, most, out var value))
            {
                return TimeSpan.FromSeconds(value);
            }

            reject(name, string.Create(CultureInfo.InvariantCulture, $"must be a number of seconds from {least} to {most}"));
            return fallback;
        }

        private IReadOnlyList<TimeSpan> Delays(string name, IReadOnlyList<TimeSpan> fallback)
        {
            if (setting(name) is not { } text)
            {
                return fallback;
            }

            var delays = new List<TimeSpan>();
            foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (!TryNumber(part, 0, 86_400, out var value))
                {
                    delays.Clear();
                    break;
                }

                delays.Add(TimeSpan.FromSeconds(value));
            }

            if (delays.Count is >= 1 and <= 20)
            {
                return delays;
            }

            reject(name, "must be 1 to 20 numbers of seconds from 0 to 86400, separated by commas");
            return fallback;
        }

        private bool Flag(string name, bool fallback)
        {
            switch (setting(name)?.ToUpperInvariant())
            {
                case null:
                    return fallback;
                case "TRUE" or "1" or "YES" or "ON":
                    return true;
                case "FALSE" or "0" or "NO" or "OFF":
                    return false;
                default:
                    reject(name, "must be true or false");
                    return fallback;
            }
        }

        private static bool TryNumber(string text, double least, double most, out double value) =>
            double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value) && value >= least && value <= most;
    }
}
