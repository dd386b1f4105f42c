using LlmWorkflow.AppHost.Servers;

namespace LlmWorkflow.Tests.AppHost;

/// <summary>For what can only be watched from outside, such as the end of another process.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(25);

    public static async Task TrueAsync(Func<Task<bool>> condition, TimeSpan limit, string what)
    {
        using var deadline = new CancellationTokenSource(limit);
        while (!await condition())
        {
            Assert.False(deadline.IsCancellationRequested, $"Not within {limit.TotalSeconds:0.#} s: {what}");
            await Task.Delay(Poll, TimeProvider.System);
        }
    }

    /// <summary>Waits until none of the processes is left (a zombie counts as gone: nobody reaped it yet).</summary>
    public static Task GoneAsync(TimeSpan limit, params int[] processIds) =>
        TrueAsync(
            async () =>
            {
                foreach (var id in processIds)
                {
                    if (await IsRunningAsync(id))
                    {
                        return false;
                    }
                }

                return true;
            },
            limit,
            $"the end of {string.Join(", ", processIds)}");

    public static async Task<bool> IsRunningAsync(int processId)
    {
        var ps = await ToolCommand.RunAsync("ps", ["-p", $"{processId}", "-o", "stat="], CancellationToken.None);
        return ps.Output.Length > 0 && ps.Output[0] != 'Z';
    }
}
