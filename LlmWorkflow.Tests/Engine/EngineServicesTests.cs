using LlmWorkflow.Engine;
using Microsoft.Extensions.DependencyInjection;

namespace LlmWorkflow.Tests.Engine;

public sealed class EngineServicesTests
{
    [Fact]
    public void AddLlmWorkflowEngine_Random_IsSafeForManyThreads() => AssertIsShared(new ServiceCollection().AddLlmWorkflowEngine(static _ => { }));

    [Fact]
    public void AddLlmWorkflowInProcess_Random_IsSafeForManyThreads() => AssertIsShared(new ServiceCollection().AddLlmWorkflowInProcess(static _ => { }));

    // One that is made by hand gives nothing but zeros once two threads have met in it.
    private static void AssertIsShared(IServiceCollection services)
    {
        using var provider = services.BuildServiceProvider();
        Assert.NotEqual(typeof(Random), provider.GetRequiredService<Random>().GetType());
    }
}
