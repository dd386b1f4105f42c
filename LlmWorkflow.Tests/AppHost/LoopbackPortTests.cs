using LlmWorkflow.AppHost.Servers;

namespace LlmWorkflow.Tests.AppHost;

public sealed class LoopbackPortTests
{
    // The system alone would name some of them twice.
    [Fact]
    public void FindFree_ManyTimes_NeverGivesAPortTwice() => Assert.Distinct(Enumerable.Range(0, 2000).Select(_ => LoopbackPort.FindFree()));
}
