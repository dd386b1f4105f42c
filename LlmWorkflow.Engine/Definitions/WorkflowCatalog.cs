using System.Collections.Concurrent;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.ExternalServices;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>A file that is broken; its last good version stays in use.</summary>
/// <param name="File">Path under the workflows folder, with forward slashes.</param>
/// <param name="Issues">What is wrong; at least one error.</param>
/// <param name="LastGoodInUse">Whether an earlier version of it is in use.</param>
public sealed record CatalogProblem(string File, IReadOnlyList<DefinitionIssue> Issues, bool LastGoodInUse);

/// <summary>
/// The workflows, prices and limits under the workflows folder: an immutable snapshot, swapped whole. <see cref="Reload"/> reads the files again; <see cref="Watch"/>
/// does it whenever they change.
/// </summary>
public sealed class WorkflowCatalog : IDisposable
{
    // Editors and deployments write several files in a row.
    private static readonly TimeSpan s_settleTime = TimeSpan.FromMilliseconds(250);

    // File events get lost on network volumes and full event queues.
    private static readonly TimeSpan s_checkInterval = TimeSpan.FromSeconds(5);

    private const int MaxVersions = 1024;

    private readonly WorkflowFiles _files;
    private readonly TimeProvider _time;
    private readonly ILogger<WorkflowCatalog> _logger;
    private readonly ConcurrentDictionary<string, PinnedWorkflow> _versions = new(StringComparer.Ordinal);
    private readonly Lock _reloading = new();
    private volatile CatalogSnapshot _snapshot = CatalogSnapshot.Empty;
    private FileSystemWatcher? _watcher;
    private ITimer? _settle;
    private ITimer? _check;

    /// <summary>Reads the folder.</summary>
    /// <param name="directory">The workflows folder (<see cref="EngineOptions.WorkflowsDirectory"/>).</param>
    /// <param name="services">The services that steps may name, asked for at each load; null: they are not checked.</param>
    /// <param name="time">Clock of the timers.</param>
    /// <param name="logger">Is told about loads and problems.</param>
    public WorkflowCatalog(string directory, Func<IReadOnlyList<KnownService>>? services, TimeProvider time, ILogger<WorkflowCatalog> logger)
    {
        _files = new WorkflowFiles(directory, services);
        _time = time;
        _logger = logger;
        Reload();
    }

    /// <summary>Names of all workflows, in order.</summary>
    public IReadOnlyList<string> Names => _snapshot.Names;

    /// <summary>The broken files.</summary>
    public IReadOnlyList<CatalogProblem> Problems => _snapshot.Problems;

    /// <summary>The prices.</summary>
    public PriceBook Prices => _snapshot.Prices;

    /// <summary>The limits of <c>limits.json</c>.</summary>
    public SpendLimits Limits => _snapshot.Limits;

    /// <summary>Warnings about <c>limits.json</c>: what is in it has effect, but not as meant.</summary>
    public IReadOnlyList<DefinitionIssue> LimitIssues => _snapshot.LimitIssues;

    /// <summary>What a definition may refer to in this folder: for files that lie elsewhere.</summary>
    public DefinitionSurroundings Surroundings => _snapshot.Surroundings;

    /// <summary>The workflow's current version; null when there is none of that name.</summary>
    public PinnedWorkflow? Find(string name) => _snapshot.Workflows.GetValueOrDefault(name);

    /// <summary>What validation found in the workflow's current version, warnings and notes too.</summary>
    public IReadOnlyList<DefinitionIssue> Issues(string name) => _snapshot.Issues.GetValueOrDefault(name) ?? [];

    /// <summary>Validates a definition that is no file of the folder against the prompts, services, prices and workflows of now.</summary>
    /// <param name="json">Its text.</param>
    public CheckedDefinition Check(string json) => CheckedDefinition.Of(json, _snapshot);

    /// <summary>A version that this process has seen; null when it must be restored from the store.</summary>
    public PinnedWorkflow? FindVersion(string hash) => _versions.GetValueOrDefault(hash);

    /// <summary>Pins a definition that lies elsewhere, with prompts and workflows of this folder.</summary>
    /// <param name="result">What <see cref="DefinitionValidator.Validate"/> gave with <see cref="Surroundings"/>, without errors.</param>
    /// <param name="json">The text that was validated.</param>
    public PinnedWorkflow Pin(ValidationResult result, string json)
    {
        ArgumentNullException.ThrowIfNull(result);
        WorkflowDefinition definition = result.Definition ?? throw new ArgumentException("The definition has errors.", nameof(result));
        CatalogSnapshot snapshot = _snapshot;
        return Remember(PinnedWorkflows.WithSubWorkflows(PinnedWorkflows.Pin(definition, json, result.UsedPrompts, snapshot.Surroundings.Prompts), snapshot.Workflows));
    }

    /// <summary>The pinned version of a job: from memory, else from its stored texts.</summary>
    /// <inheritdoc cref="PinnedWorkflows.Restore"/>
    public PinnedWorkflow GetOrRestore(
        string hash, string json, IReadOnlyDictionary<string, string> prompts, IReadOnlyDictionary<string, string> workflows) =>
        FindVersion(hash) ?? Remember(Restore(hash, json, prompts, workflows));

    /// <inheritdoc cref="PinnedWorkflows.Restore"/>
    public static PinnedWorkflow Restore(
        string hash, string json, IReadOnlyDictionary<string, string> prompts, IReadOnlyDictionary<string, string> workflows) =>
        PinnedWorkflows.Restore(hash, json, prompts, workflows);

    /// <summary>Reads all files again, if any has changed since the last time. What is broken keeps its last good version.</summary>
    public void Reload()
    {
        lock (_reloading)
        {
            CatalogSnapshot before = _snapshot;
            CatalogSnapshot after = _files.Load(before);
            if (ReferenceEquals(before, after))
            {
                return;
            }

            foreach (PinnedWorkflow workflow in after.Workflows.Values)
            {
                Remember(workflow);
            }

            _snapshot = after;
            CatalogLog.Loaded(_logger, after.Names.Count, after.Problems.Count);
            // A broken service file is told by the catalog that reads it.
            foreach (CatalogProblem problem in after.Problems.Where(problem => !problem.File.StartsWith($"{ServiceCatalog.FolderName}/", StringComparison.Ordinal)))
            {
                DefinitionIssue first = problem.Issues.First(issue => issue.Severity == IssueSeverity.Error);
                CatalogLog.Broken(_logger, problem.File, first.Line, first.Column, first.Code, first.Message, problem.Issues.Count, problem.LastGoodInUse);
            }
        }
    }

    /// <summary>Starts to reload by itself: shortly after a file event, and by a look at the timestamps every 5 s.</summary>
    public void Watch()
    {
        _settle ??= _time.CreateTimer(_ => ReloadQuietly(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _check ??= _time.CreateTimer(_ => ReloadQuietly(), null, s_checkInterval, s_checkInterval);
        if (_watcher is not null || !Directory.Exists(_files.Root))
        {
            return;
        }

        try
        {
            _watcher = new FileSystemWatcher(_files.Root) { IncludeSubdirectories = true };
            _watcher.Changed += OnChange;
            _watcher.Created += OnChange;
            _watcher.Deleted += OnChange;
            _watcher.Renamed += OnChange;
            _watcher.EnableRaisingEvents = true;
        }
        catch (IOException exception)
        {
            // No more watches to be had (a limit of the system): the timer does it alone.
            CatalogLog.NotWatching(_logger, exception);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watcher?.Dispose();
        _settle?.Dispose();
        _check?.Dispose();
    }

    private void OnChange(object sender, FileSystemEventArgs change) => _settle?.Change(s_settleTime, Timeout.InfiniteTimeSpan);

    private void ReloadQuietly()
    {
        try
        {
            Reload();
        }
        // A folder in the middle of a deployment: the next look finds it whole.
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            CatalogLog.ReloadFailed(_logger, exception);
        }
    }

    private PinnedWorkflow Remember(PinnedWorkflow workflow)
    {
        if (_versions.Count >= MaxVersions)
        {
            _versions.Clear();
        }

        return _versions.GetOrAdd(workflow.Hash, workflow);
    }
}
