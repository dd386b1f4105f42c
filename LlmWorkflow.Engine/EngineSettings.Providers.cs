using System.Text.RegularExpressions;

namespace LlmWorkflow.Engine;

/// <summary>The settings of providers.</summary>
public static partial class EngineSettings
{
    private static readonly string[] s_maxTokensFields = ["max_tokens", "max_completion_tokens"];
    private static readonly string[] s_responseFormats = ["json_schema", "json_object"];

    private sealed partial class Reading
    {
        private const string List = "OPENAI_COMPATIBLE_PROVIDERS";

        private List<CompatibleProvider> CompatibleProviders()
        {
            List<CompatibleProvider> providers = [];
            foreach (var name in Parts(setting(List)))
            {
                if (!ProviderName().IsMatch(name))
                {
                    reject(List, "must be names of small letters, digits and '_', beginning with a letter, at most 32 long, separated by commas");
                }
                else if (TakenNames.Contains(name))
                {
                    reject(List, "holds a name that has a meaning already");
                }
                else if (providers.Exists(provider => provider.Name == name))
                {
                    reject(List, "holds a name twice");
                }
                else
                {
                    providers.Add(CompatibleProvider(name));
                }
            }

            return providers;
        }

        private CompatibleProvider CompatibleProvider(string name)
        {
            var prefix = name.ToUpperInvariant();
            var missing = setting($"{prefix}_BASE_URL") is null;
            if (missing)
            {
                reject($"{prefix}_BASE_URL", $"is missing: {List} names this provider");
            }

            // Never asked there: a rejected setting stops the start.
            var provider = new CompatibleProvider(name, missing ? new Uri("http://localhost") : Url($"{prefix}_BASE_URL", new Uri("http://localhost")))
            {
                ApiKey = setting($"{prefix}_API_KEY"),
                ApiVersion = setting($"{prefix}_API_VERSION"),
                AsksForStreamUsage = Flag($"{prefix}_STREAM_USAGE", true),
            };
            return provider with
            {
                AuthHeader = AuthHeader($"{prefix}_AUTH_HEADER", provider.AuthHeader),
                MaxTokensField = OneOf($"{prefix}_MAX_TOKENS_FIELD", s_maxTokensFields, provider.MaxTokensField),
                ResponseFormats = ResponseFormats($"{prefix}_RESPONSE_FORMATS", provider.ResponseFormats),
            };
        }

        private string DefaultProvider(EngineOptions options)
        {
            string[] known = ["openrouter", "openai", "anthropic", .. options.CompatibleProviders.Select(provider => provider.Name)];
            return OneOf("DEFAULT_PROVIDER", known, options.DefaultProvider);
        }

        private string AuthHeader(string name, string fallback)
        {
            var header = setting(name) ?? fallback;
            if (HeaderName().IsMatch(header))
            {
                return header;
            }

            reject(name, "must be the name of a header, such as api-key");
            return fallback;
        }

        private IReadOnlyList<string> ResponseFormats(string name, IReadOnlyList<string> fallback)
        {
            if (setting(name) is not { } text || text == "none")
            {
                return setting(name) is null ? fallback : [];
            }

            var formats = Parts(text);
            if (formats.Length > 0 && formats.All(s_responseFormats.Contains))
            {
                return formats;
            }

            reject(name, "must be json_schema, json_object, both, separated by a comma, or none");
            return fallback;
        }

        private string OneOf(string name, string[] values, string fallback)
        {
            var value = setting(name) ?? fallback;
            if (values.Contains(value))
            {
                return value;
            }

            reject(name, $"must be one of {string.Join(", ", values)}");
            return fallback;
        }

        private static string[] Parts(string? list) => list?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

        [GeneratedRegex("^[a-z][a-z0-9_]{0,31}$", RegexOptions.CultureInvariant)]
        private static partial Regex ProviderName();

        [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9-]{0,63}$", RegexOptions.CultureInvariant)]
        private static partial Regex HeaderName();
    }
}
