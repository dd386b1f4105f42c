using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>
/// Makes a chat client known under a provider name. Any .NET provider plugs in by registering one:
/// <c>services.AddSingleton(new ChatClientRegistration("mine", client))</c>. The client must not retry: retries are the engine's.
/// </summary>
/// <param name="Name">The value of <c>provider</c> in a definition.</param>
/// <param name="Client">Safe for many calls at once.</param>
public sealed record ChatClientRegistration(string Name, IChatClient Client)
{
    /// <summary>What keeps the provider from being asked at all, for example a missing key; null when nothing does. Asked before each call.</summary>
    public Func<WorkflowError?> Obstacle { get; init; } = static () => null;

    /// <summary>Fingerprint of the credential that calls are made with: providers limit each credential by itself. Never the credential.</summary>
    public Func<string> Credential { get; init; } = static () => "";

    /// <summary>Name for <c>gen_ai.provider.name</c>; null: <see cref="Name"/>.</summary>
    public string? TelemetryName { get; init; }

    /// <summary>Asks the provider what an earlier call cost, by the id of its reply; null: it cannot tell. A null answer: not known (yet).</summary>
    public Func<string, CancellationToken, Task<Costs.UsageReport?>>? LookUpAsync { get; init; }
}

/// <summary>Provider name to chat client.</summary>
internal sealed class ChatClientRegistry(IEnumerable<ChatClientRegistration> registrations)
{
    // The last registration of a name wins, as in dependency injection.
    private readonly Dictionary<string, ChatClientRegistration> _registrations = registrations
        .GroupBy(registration => registration.Name, StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => group.Last(), StringComparer.Ordinal);

    /// <summary>All names.</summary>
    public IReadOnlyCollection<string> Names => _registrations.Keys;

    /// <summary>Providers that can be asked about earlier calls, and can be asked at all.</summary>
    public IEnumerable<ChatClientRegistration> WithLookUp => _registrations.Values.Where(one => one.LookUpAsync is not null && one.Obstacle() is null);

    /// <summary>The registration of a provider that is ready to be asked.</summary>
    /// <exception cref="WorkflowException"><see cref="ErrorTypes.UnknownProvider"/> for a name that nobody registered, or the provider's obstacle.</exception>
    public ChatClientRegistration Get(string provider)
    {
        if (!_registrations.TryGetValue(provider, out var registration))
        {
            throw new WorkflowException(new WorkflowError
            {
                Type = ErrorTypes.UnknownProvider,
                Category = ErrorCategory.Config,
                Message = $"There is no provider '{Redactor.Text(provider)}'. Known: {string.Join(", ", Names.Order(StringComparer.Ordinal))}.",
                Details = new ErrorDetails
                {
                    Service = Redactor.Text(provider),
                    Suggestions = ["Correct 'provider' in the step, or register a chat client under that name."],
                },
            });
        }

        return registration.Obstacle() is { } error ? throw new WorkflowException(error) : registration;
    }
}
