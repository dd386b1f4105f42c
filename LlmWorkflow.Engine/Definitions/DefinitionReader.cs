using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Turns a definition's JSON into records and notes what is wrong with its form. What names refer to is <see cref="DefinitionRules"/>' part.</summary>
internal sealed partial class DefinitionReader(DefinitionIssues issues)
{
    /// <summary>Most steps in one file.</summary>
    public const int MaxSteps = 1000;

    private const decimal LongestSeconds = 7 * 24 * 3600;

    private const decimal HighestCost = 100_000;

    /// <summary>The steps that could be read, with their index in the file; filled by <see cref="Read"/>.</summary>
    public List<(int Index, StepDefinition Step)> ReadSteps { get; } = [];

    /// <summary>Whether a text may be the name of a workflow or a step.</summary>
    public static bool IsName(string text) => NamePattern().IsMatch(text);

    /// <summary>The definition as far as it can be read. With errors among the issues it must not be run.</summary>
    public WorkflowDefinition Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            issues.Error(IssueCodes.WrongType, "", $"A workflow must be an object, not {root.KindName()}.");
            return new WorkflowDefinition { Name = "", Steps = [] };
        }

        PropertyReader properties = new(root, "", issues);
        WorkflowDefinition defaults = new() { Name = properties.NeedText("name"), Steps = [] };
        if (defaults.Name.Length > 0 && !IsName(defaults.Name))
        {
            issues.Error(
                IssueCodes.InvalidName, "/name", $"'{defaults.Name}' is no workflow name: a lower-case letter, then up to 99 lower-case letters, digits and '_'.");
        }

        WorkflowDefinition definition = defaults with
        {
            Version = Version(properties) ?? defaults.Version,
            Description = properties.Text("description"),
            DisplayName = properties.Text("display_name"),
            InputSchema = properties.Any("input_schema", "a JSON Schema (an object)", JsonValueKind.Object),
            Variables = properties.Members("variables"),
            TimeoutSeconds = (double?)properties.Number("timeout_seconds", 1, LongestSeconds) ?? defaults.TimeoutSeconds,
            MaxCostUsd = properties.Number("max_cost_usd", 0, HighestCost),
            Steps = Steps(properties),
            Output = properties.Any("output", "an object", JsonValueKind.Object),
        };
        properties.Finish();
        return definition;
    }

    [GeneratedRegex("^[a-z][a-z0-9_]{0,99}$", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex VersionPattern();

    private string? Version(PropertyReader properties)
    {
        string? version = properties.Text("version");
        if (version is not null && !VersionPattern().IsMatch(version))
        {
            issues.Error(IssueCodes.InvalidValue, "/version", $"'{version}' is no semantic version.", "Write it as \"1.0.0\".");
            return null;
        }

        return version;
    }

    private List<StepDefinition> Steps(PropertyReader workflow)
    {
        workflow.Need("steps");
        JsonElement list = workflow.Any("steps", "a list of steps", JsonValueKind.Array);
        if (list.ValueKind != JsonValueKind.Array)
        {
            return [];
        }

        int count = list.GetArrayLength();
        if (count is 0 or > MaxSteps)
        {
            issues.Error(IssueCodes.OutOfRange, "/steps", $"A workflow has 1 to {MaxSteps} steps, not {count}.");
            return [];
        }

        HashSet<string> ids = new(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            string pointer = string.Create(CultureInfo.InvariantCulture, $"/steps/{i}");
            StepDefinition? step = Step(list[i], pointer);
            if (step is { Id.Length: > 0 } && !ids.Add(step.Id))
            {
                issues.Error(IssueCodes.DuplicateStepId, $"{pointer}/id", $"The id '{step.Id}' is taken by an earlier step.", "Give each step an id of its own.");
            }

            if (step is not null)
            {
                ReadSteps.Add((i, step));
            }
        }

        return [.. ReadSteps.Select(read => read.Step)];
    }

    private StepDefinition? Step(JsonElement json, string pointer)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            issues.Error(IssueCodes.WrongType, pointer, $"A step must be an object, not {json.KindName()}.");
            return null;
        }

        PropertyReader properties = new(json, pointer, issues);
        string id = properties.NeedText("id");
        if (id.Length > 0 && !IsName(id))
        {
            issues.Error(IssueCodes.InvalidName, properties.At("id"), $"'{id}' is no step id: a lower-case letter, then up to 99 lower-case letters, digits and '_'.");
        }

        string type = properties.NeedText("type");
        StepDefinition? step = new StepReader(properties, issues).Read(id, type, json, pointer);
        if (step is null)
        {
            return null;
        }

        step = step with
        {
            DisplayName = properties.Text("display_name"),
            Description = properties.Text("description"),
            TimeoutSeconds = (double?)properties.Number("timeout_seconds", 0.001m, LongestSeconds),
            MaxCostUsd = properties.Number("max_cost_usd", 0, HighestCost),
            OnError = Mode(properties),
            Default = properties.Any("default"),
            Retry = Retry(properties, pointer),
        };
        properties.Finish();
        return step;
    }

    private OnError Mode(PropertyReader properties)
    {
        string? mode = properties.Text("on_error");
        OnError? known = mode switch
        {
            null or "fail" => OnError.Fail,
            "continue" => OnError.Continue,
            "retry" => OnError.Retry,
            _ => null,
        };
        if (known is null)
        {
            issues.Error(IssueCodes.InvalidValue, properties.At("on_error"), $"'on_error' must be \"fail\", \"continue\" or \"retry\", not \"{mode}\".");
        }

        if (properties.Has("default") && known != OnError.Continue)
        {
            issues.Add(IssueSeverity.Warning, IssueCodes.ConflictingProperties, properties.At("default"), "'default' is used only with \"on_error\": \"continue\".");
        }

        return known ?? OnError.Fail;
    }

    private RetryPolicy? Retry(PropertyReader step, string pointer)
    {
        JsonElement retry = step.Any("retry", "an object", JsonValueKind.Object);
        bool isAsked = step.Text("on_error") == "retry";
        if (retry.ValueKind != JsonValueKind.Object)
        {
            return isAsked ? new RetryPolicy() : null;
        }

        PropertyReader properties = new(retry, $"{pointer}/retry", issues);
        RetryPolicy defaults = new();
        RetryPolicy policy = new()
        {
            MaxAttempts = (int?)properties.Number("max_attempts", 1, 20, true) ?? defaults.MaxAttempts,
            InitialDelaySeconds = (double?)properties.Number("initial_delay_seconds", 0, 3600) ?? defaults.InitialDelaySeconds,
            BackoffMultiplier = (double?)properties.Number("backoff_multiplier", 1, 10) ?? defaults.BackoffMultiplier,
            MaxDelaySeconds = (double?)properties.Number("max_delay_seconds", 0, 3600) ?? defaults.MaxDelaySeconds,
            Jitter = properties.Flag("jitter") ?? defaults.Jitter,
        };
        if (policy.MaxDelaySeconds < policy.InitialDelaySeconds)
        {
            issues.Error(IssueCodes.OutOfRange, properties.At("max_delay_seconds"), "'max_delay_seconds' must not be less than 'initial_delay_seconds'.");
        }

        properties.Finish();
        return policy;
    }
}
