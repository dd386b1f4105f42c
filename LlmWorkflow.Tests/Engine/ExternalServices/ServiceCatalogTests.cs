using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

public sealed class ServiceCatalogTests : IDisposable
{
    private readonly WorkflowTree _tree = new();
    private readonly LineLogger _log = new();
    private readonly ServiceCatalog _catalog;

    public ServiceCatalogTests() => _catalog = new ServiceCatalog(new EngineOptions { WorkflowsDirectory = _tree.Root }, _log);

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void Get_ChangedFile_CountsFromTheNextCallOn()
    {
        Write("https://one.example");
        Assert.Equal("https://one.example", _catalog.Get("mine").BaseUrl);

        Write("https://another.example");

        Assert.Equal("https://another.example", _catalog.Get("mine").BaseUrl);
        Assert.Same(_catalog.Get("mine"), _catalog.Get("mine"));
    }

    [Fact]
    public void Get_BrokenEdit_KeepsTheLastGoodVersionAndTellsItOnce()
    {
        Write("https://one.example");
        _ = _catalog.Get("mine");

        Write("nowhere");

        Assert.Equal("https://one.example", _catalog.Get("mine").BaseUrl);
        Assert.Equal("https://one.example", _catalog.Get("mine").BaseUrl);
        var line = Assert.Single(_log.Lines);
        Assert.Contains("services/mine.json is broken: 'base_url' (at /base_url) must be an absolute http or https URL", line);
        Assert.Contains("last good version in use: True", line);

        Write("https://third.example");
        Assert.Equal("https://third.example", _catalog.Get("mine").BaseUrl);
        Assert.Contains("is in use", _log.Lines[^1]);
    }

    [Fact]
    public void Get_NeverGoodFile_IsAnErrorUntilItIsGood()
    {
        _tree.Write("services/mine.json", "{ \"name\": ");
        var error = Assert.Throws<WorkflowException>(() => _catalog.Get("mine")).Error;
        Assert.Equal((ErrorTypes.InvalidServiceFile, ErrorCategory.Config), (error.Type, error.Category));
        _ = Assert.Throws<WorkflowException>(() => _catalog.Get("mine"));
        Assert.Single(_log.Lines);

        Write("https://one.example");

        Assert.Equal("https://one.example", _catalog.Get("mine").BaseUrl);
    }

    [Fact]
    public void Get_DeletedFile_IsUnknown()
    {
        Write("https://one.example");
        _ = _catalog.Get("mine");

        File.Delete(Path.Combine(_tree.Root, "services", "mine.json"));

        Assert.Equal(ErrorTypes.UnknownService, Assert.Throws<WorkflowException>(() => _catalog.Get("mine")).Error.Type);
    }

    [Fact]
    public void Reload_BrokenServiceFile_IsAProblemWithItsPlace()
    {
        Write("https://one.example");
        using var workflows = new WorkflowCatalog(_tree.Root, () => KnownServices.Of(_catalog), TimeProvider.System, NullLogger<WorkflowCatalog>.Instance);
        Assert.Empty(workflows.Problems);

        Write("nowhere");
        workflows.Reload();

        var problem = Assert.Single(workflows.Problems);
        Assert.Equal(("services/mine.json", true), (problem.File, problem.LastGoodInUse));
        var issue = Assert.Single(problem.Issues);
        Assert.Equal((IssueCodes.InvalidValue, "/base_url", 2, 15), (issue.Code, issue.JsonPointer, issue.Line, issue.Column));
    }

    private void Write(string url) => _tree.Write("services/mine.json", $$"""
        { "name": "mine",
          "base_url": "{{url}}", "operations": { "get": { "path": "/x" } } }
        """);

    private sealed class LineLogger : ILogger<ServiceCatalog>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
