using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace LlmWorkflow.AppHost.Local;

/// <summary>A text that is known only when the resources it speaks of have started.</summary>
internal interface IValueProvider
{
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);
}

internal enum EndpointProperty
{
    Url,
    Host,
    Port,
    Scheme,
    TargetPort,
    HostAndPort,
}

/// <summary>Where a resource listens. There is no proxy here: each replica has ports of its own.</summary>
internal sealed class EndpointAnnotation
{
    public required string Name { get; init; }

    public int? Port { get; set; }

    public required string UriScheme { get; set; }

    public bool IsExternal { get; set; }

    /// <summary>Per replica; filled before anything starts.</summary>
    public List<int> AllocatedPorts { get; } = [];

    public bool IsHttp => UriScheme is "http" or "https";

    public string Url(int replica) => string.Create(CultureInfo.InvariantCulture, $"{UriScheme}://localhost:{AllocatedPorts[replica]}");
}

internal sealed class EndpointReference(ProcessResource owner, string endpointName) : IValueProvider
{
    public string EndpointName { get; } = endpointName;

    public int Port => Annotation.AllocatedPorts[0];

    public string Url => Annotation.Url(0);

    private EndpointAnnotation Annotation => owner.Endpoints.Find(endpoint => endpoint.Name == EndpointName)
        ?? throw new InvalidOperationException($"The resource '{owner.Name}' has no endpoint '{EndpointName}'.");

    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(Url);

    internal string Read(EndpointProperty property) => property switch
    {
        EndpointProperty.Url => Url,
        EndpointProperty.Host => "localhost",
        EndpointProperty.Port or EndpointProperty.TargetPort => Port.ToString(CultureInfo.InvariantCulture),
        EndpointProperty.Scheme => Annotation.UriScheme,
        EndpointProperty.HostAndPort => string.Create(CultureInfo.InvariantCulture, $"localhost:{Port}"),
        _ => throw new ArgumentOutOfRangeException(nameof(property)),
    };
}

internal sealed class EndpointReferenceExpression(EndpointReference endpoint, EndpointProperty property) : IValueProvider
{
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(endpoint.Read(property));
}

/// <summary>An interpolated string over values that are not known yet.</summary>
internal sealed class ReferenceExpression : IValueProvider
{
    private readonly IReadOnlyList<object> parts;

    private ReferenceExpression(IReadOnlyList<object> parts) => this.parts = parts;

    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => new(handler.Parts);

    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var text = new StringBuilder();
        foreach (var part in parts)
        {
            text.Append(part is IValueProvider value ? await value.GetValueAsync(cancellationToken) : part);
        }

        return text.ToString();
    }

    [InterpolatedStringHandler]
    internal readonly ref struct ExpressionInterpolatedStringHandler(int literalLength, int formattedCount)
    {
        public List<object> Parts { get; } = new(formattedCount + (literalLength > 0 ? 1 : 0));

        public void AppendLiteral(string value) => Parts.Add(value);

        public void AppendFormatted(string? value) => Parts.Add(value ?? "");

        public void AppendFormatted<T>(T value)
            where T : IValueProvider => Parts.Add(value);

        public void AppendFormatted<T>(IResourceBuilder<T> value)
            where T : IResource, IValueProvider => Parts.Add(value.Resource);
    }
}
