using System.Globalization;
using LlmWorkflow.AppHost.Servers;

namespace LlmWorkflow.AppHost;

/// <summary>One system per home directory: a file lock, which the operating system frees however the process ends.</summary>
internal sealed class HomeLock : IDisposable
{
    private readonly FileStream file;
    private readonly string pidPath;

    private HomeLock(FileStream file, string pidPath) => (this.file, this.pidPath) = (file, pidPath);

    /// <exception cref="AppHostException">Another AppHost uses the directory; the message says which process.</exception>
    public static HomeLock Acquire(string home)
    {
        var pidPath = Path.Combine(home, "apphost.pid");
        try
        {
            PrivateFile.CreateDirectory(home, traversable: true);
            var file = new FileStream(Path.Combine(home, "apphost.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            // Beside the lock, because a locked file cannot be read from .NET.
            PrivateFile.Write(pidPath, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return new HomeLock(file, pidPath);
        }
        catch (UnauthorizedAccessException)
        {
            throw new AppHostException($"{home} cannot be written by this user. Use a copy of your own, or name another directory: LLMWORKFLOW_HOME=~/.llmworkflow ./run");
        }
        catch (IOException)
        {
            var holder = File.Exists(pidPath) ? File.ReadAllText(pidPath).Trim() : "unknown";
            throw new AppHostException(
                $"A system already runs on {home} (process {holder}). Stop it, or give this one another directory and ports: "
                + "LLMWORKFLOW_HOME=.llmworkflow2 API_PORT=8001 SIMULATOR_PORT=8901 ASPIRE_DASHBOARD_PORT=18889 ./run");
        }
    }

    public void Dispose()
    {
        File.Delete(pidPath);
        file.Dispose();
    }
}
