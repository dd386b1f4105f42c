using System.Globalization;
using System.Reflection;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Worker;

/// <summary>Who this process is, so that another one on the same host can tell that it is dead.</summary>
internal static class WorkerProcess
{
    /// <summary>A worker under a new id.</summary>
    public static WorkerIdentity Identify(int capacity) => new(
        Guid.CreateVersion7(), Environment.MachineName, BootId(), Environment.ProcessId,
        typeof(WorkerProcess).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown", capacity);

    // The boot and the process-id namespace: two containers may share a host name, and a pid means something only within its namespace.
    // Empty where the system does not tell (macOS): there, a dead worker's lease has to run out.
    private static string BootId()
    {
        try
        {
            var boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            var space = new FileInfo("/proc/self/ns/pid").LinkTarget;
            return space is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{boot}/{space}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
