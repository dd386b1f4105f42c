using System.Security.Cryptography;
using System.Text;
using LlmWorkflow.Engine.Providers.Anthropic;
using LlmWorkflow.Engine.Providers.ChatCompletions;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Providers;

/// <summary>The providers that settings make known: three by name, and any number of servers of OpenAI's form.</summary>
internal static class ConfiguredProviders
{
    // As many hex digits of a SHA-256 as tell keys apart and tell nothing about them.
    private const int CredentialLength = 12;

    /// <summary>One registration each.</summary>
    public static IEnumerable<ChatClientRegistration> All(EngineOptions options, IHttpClientFactory clients, TimeProvider time, ILoggerFactory loggers)
    {
        var openRouter = ChatCompletionsDialect.OpenRouter(options);
        yield return Of(openRouter) with { LookUpAsync = new GenerationLookUp(openRouter, clients, time).FindAsync };
        yield return Of(ChatCompletionsDialect.OpenAI(options));

        var anthropic = new AnthropicChatClient(options, clients, time, loggers.CreateLogger<AnthropicChatClient>());
        yield return new ChatClientRegistration(AnthropicChatClient.Provider, anthropic)
        {
            Obstacle = anthropic.Obstacle,
            Credential = () => Credential(options.AnthropicApiKey),
            TelemetryName = "anthropic",
        };

        foreach (var provider in options.CompatibleProviders)
        {
            yield return Of(ChatCompletionsDialect.Compatible(provider));
        }

        ChatClientRegistration Of(ChatCompletionsDialect dialect)
        {
            var client = new ChatCompletionsClient(dialect, clients, time);
            return new ChatClientRegistration(dialect.Provider, client)
            {
                Obstacle = client.Obstacle,
                Credential = () => Credential(dialect.Key()),
                TelemetryName = dialect.Provider,
            };
        }
    }

    private static string Credential(string? key) => string.IsNullOrWhiteSpace(key)
        ? ""
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..CredentialLength];
}
