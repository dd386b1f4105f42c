using System.Globalization;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>What a line command leads to.</summary>
internal enum LineResult
{
    /// <summary>The next line follows.</summary>
    GoOn,

    /// <summary>No more lines are read.</summary>
    Quit,

    /// <summary>No more lines are read, and unsaved changes are meant to be lost.</summary>
    Discard,
}

/// <summary>The line commands of <c>llmflow edit</c>.</summary>
/// <param name="session">What is edited.</param>
/// <param name="host">Results go to its output, issues to its error output.</param>
/// <param name="allowErrors">Whether a definition with errors may be saved.</param>
internal sealed class EditLines(EditSession session, CliHost host, bool allowErrors)
{
    /// <summary>What <c>help</c> prints.</summary>
    public const string Help = """
        list                                  steps as a tree, with the lists that 'in' takes
        add TYPE [as ID] [PLACE]              llm, external_api, transform, transform:filter, conditional, …; without PLACE at the end
        set STEP PROPERTY VALUE               '.' as STEP is the workflow; retry.max_attempts reaches inside
        unset STEP PROPERTY
        rename STEP ID                        also in the expressions of this file
        move STEP PLACE
        remove STEP
        undo | redo
        issues                                what validation finds
        diff                                  against the file on disk
        save [--allow-errors]
        reload                                take over the file as it is on disk; can be undone
        quit [discard]
        PLACE: before STEP | after STEP | in LIST [at INDEX]     VALUE: JSON, or text; 'single quotes' make text of anything
        """;

    private static readonly string[] Verbs = ["list", "add", "set", "unset", "rename", "move", "remove", "undo", "redo", "issues", "diff", "save", "reload", "quit", "help"];

    /// <summary>Runs one command.</summary>
    /// <exception cref="EditException">It is wrong, or cannot be done.</exception>
    public LineResult Run(string line)
    {
        CommandWords words = new(line);
        if (words.Peek() is not { } verb || verb.StartsWith('#'))
        {
            return LineResult.GoOn;
        }

        words.Next();
        switch (verb)
        {
            case "list" or "issues" or "diff" or "help":
                words.End();
                Show(verb);
                return LineResult.GoOn;
            case "save":
                var isAllowed = words.Takes("--allow-errors") || allowErrors;
                words.End();
                host.Out.WriteLine(session.Save(isAllowed) ? $"saved {session.Shown}" : "nothing to save");
                return LineResult.GoOn;
            case "quit":
                var isDiscarded = words.Takes("discard");
                words.End();
                return isDiscarded ? LineResult.Discard : LineResult.Quit;
            default:
                var before = session.Issues;
                host.Out.WriteLine(Change(verb, words));
                Report(before);
                return LineResult.GoOn;
        }
    }

    private string Change(string verb, CommandWords words)
    {
        switch (verb)
        {
            case "add":
                var type = words.Next("The type of the step");
                var id = words.Takes("as") ? words.Next("The id behind 'as'") : null;
                return $"added {session.Add(type, Place(words) ?? StepPosition.End, id)}";
            case "set":
                var (target, property) = Property(words);
                session.Set(target, property, words.RestAsValue());
                return $"set {target ?? "."} {property}";
            case "unset":
                (target, property) = Property(words);
                words.End();
                session.Unset(target, property);
                return $"unset {target ?? "."} {property}";
            case "rename":
                var (step, renamed) = (words.Next("The step"), words.Next("The new id"));
                words.End();
                session.Rename(step, renamed);
                return $"renamed {step} to {renamed}";
            case "move":
                step = words.Next("The step");
                session.Move(step, Place(words) ?? throw new EditException("The place is missing: before STEP, after STEP, or in LIST [at INDEX]."));
                return $"moved {step}";
            case "remove":
                step = words.Next("The step");
                words.End();
                session.Remove(step);
                return $"removed {step}";
            case "undo":
                words.End();
                return $"undone: {session.Undo() ?? throw new EditException("There is nothing to undo.")}";
            case "redo":
                words.End();
                return $"redone: {session.Redo() ?? throw new EditException("There is nothing to redo.")}";
            case "reload":
                words.End();
                session.Reload();
                return $"reloaded {session.Shown}";
            default:
                throw new EditException($"There is no command '{verb}'. {NearestNames.Suggest(verb, Verbs)} See 'help'.".Replace("  ", " ", StringComparison.Ordinal));
        }
    }

    private static (string? Step, string Property) Property(CommandWords words)
    {
        var step = words.Next("The step, or '.' for the workflow,");
        return (step == "." ? null : step, words.Next("The property"));
    }

    private static StepPosition? Place(CommandWords words)
    {
        if (words.IsAtEnd)
        {
            return null;
        }

        var position = words.Next() switch
        {
            "before" => StepPosition.Before(words.Next("The step behind 'before'")),
            "after" => StepPosition.After(words.Next("The step behind 'after'")),
            "in" => StepPosition.In(words.Next("The list behind 'in'"), Index(words)),
            "at" => StepPosition.In(null, Number(words)),
            var word => throw new EditException($"A place is before STEP, after STEP, or in LIST [at INDEX], not '{word}'."),
        };
        words.End();
        return position;
    }

    private static int? Index(CommandWords words) => words.Takes("at") ? Number(words) : null;

    private static int Number(CommandWords words) =>
        words.Next("The index behind 'at'") is var word && int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? index
            : throw new EditException($"'{word}' is no index: a whole number from 0.");

    private void Show(string verb)
    {
        IEnumerable<string> lines = verb switch
        {
            "list" => EditText.Tree(session.Steps),
            "issues" => [.. EditText.Issues(session, session.Issues), EditText.Summary(session)],
            "diff" => EditText.Diff(session.Diff(), host.UsesColorOnOut),
            _ => [Help],
        };
        foreach (var line in lines)
        {
            host.Out.WriteLine(line);
        }
    }

    // Only what the change brought: the rest has been said.
    private void Report(IReadOnlyList<DefinitionIssue> before)
    {
        var known = before.Select(Key).ToHashSet();
        foreach (var line in EditText.Issues(session, session.Issues.Where(issue => !known.Contains(Key(issue)))))
        {
            host.Error.WriteLine(line);
        }
    }

    private static (string, string) Key(DefinitionIssue issue) => (issue.Code, issue.Message);
}
