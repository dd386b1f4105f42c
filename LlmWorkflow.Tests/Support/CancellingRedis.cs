using System.Reflection;
using StackExchange.Redis;

namespace LlmWorkflow.Tests.Support;

/// <summary>A Redis whose calls are cancelled, as the current client library does with those that it cannot write in time.</summary>
// Not sealed: the proxies derive from it.
#pragma warning disable CA1852
internal class CancellingRedis : DispatchProxy
#pragma warning restore CA1852
{
    public static IConnectionMultiplexer Create() => Create<IConnectionMultiplexer, CancellingRedis>();

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.ReturnType switch
    {
        var type when type == typeof(IDatabase) => Create<IDatabase, CancellingRedis>(),
        var type when type == typeof(Task<RedisResult>) => Task.FromCanceled<RedisResult>(new(canceled: true)),
        var type when type == typeof(Task<long>) => Task.FromCanceled<long>(new(canceled: true)),
        _ => throw new NotSupportedException(targetMethod.Name),
    };
}
