using LlmWorkflow.Engine.Definitions;
using Spectre.Console;

namespace LlmWorkflow.Cli.Authoring;

/// <summary><c>llmflow edit</c> on a terminal: questions and answers.</summary>
/// <param name="session">What is edited.</param>
/// <param name="console">Where it is asked.</param>
internal sealed class EditMenu(EditSession session, IAnsiConsole console)
{
    private readonly EditQuestions _ask = new(session, console);

    /// <summary>Asks until the person quits.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public async Task<int> RunAsync(bool allowErrors, CancellationToken cancellationToken)
    {
        Print(EditText.Tree(session.Steps));
        PrintIssues();
        while (true)
        {
            var action = await _ask.ChooseAsync("What now?", Actions(), static action => action.Label, cancellationToken);
            try
            {
                if (action.Kind is ActionKind.Quit)
                {
                    if (!session.IsChanged || await _ask.ConfirmAsync("Drop the unsaved changes?", cancellationToken))
                    {
                        return ExitCodes.Success;
                    }
                }
                else if (action.Kind is ActionKind.Save)
                {
                    await SaveAsync(allowErrors, cancellationToken);
                }
                else if (action.Kind is ActionKind.Diff)
                {
                    PrintDiff();
                }
                else if (await ChangeAsync(action.Kind, cancellationToken))
                {
                    Print(EditText.Tree(session.Steps));
                    PrintIssues();
                }
            }
            catch (EditException e)
            {
                Print([e.Message], Color.Red);
            }
        }
    }

    private List<MenuAction> Actions()
    {
        List<MenuAction> actions =
        [
            new(ActionKind.Add, "Add a step"), new(ActionKind.Set, "Set a property"), new(ActionKind.Unset, "Remove a property"),
            new(ActionKind.Rename, "Rename a step"), new(ActionKind.Move, "Move a step"), new(ActionKind.Remove, "Remove a step"),
        ];
        if (session.NextUndo is { } undo)
        {
            actions.Add(new(ActionKind.Undo, $"Undo: {undo}"));
        }

        if (session.NextRedo is { } redo)
        {
            actions.Add(new(ActionKind.Redo, $"Redo: {redo}"));
        }

        actions.AddRange([new(ActionKind.Diff, "Show the changes"), new(ActionKind.Save, "Save"), new(ActionKind.Reload, "Reload from disk"), new(ActionKind.Quit, "Quit")]);
        return actions;
    }

    private async Task<bool> ChangeAsync(ActionKind kind, CancellationToken cancellationToken)
    {
        switch (kind)
        {
            case ActionKind.Add:
                var type = await _ask.ChooseAsync("Which type?", StepSkeletons.Types, static type => type, cancellationToken);
                var place = await _ask.PlaceAsync(null, cancellationToken);
                var id = await _ask.TextAsync("Its id (empty: one is chosen):", cancellationToken);
                session.Add(type, place, id.Length == 0 ? null : id);
                return true;
            case ActionKind.Set:
                var target = await _ask.TargetAsync(cancellationToken);
                var property = await _ask.PropertyAsync(target, cancellationToken);
                var value = await _ask.TextAsync($"{property} (JSON, or text; empty: leave it):", cancellationToken);
                if (value.Length == 0)
                {
                    return false;
                }

                session.Set(target, property, CommandWords.Value(value));
                return true;
            case ActionKind.Unset:
                target = await _ask.TargetAsync(cancellationToken);
                session.Unset(target, await _ask.KnownPropertyAsync(target, cancellationToken));
                return true;
            case ActionKind.Rename:
                var step = await _ask.StepAsync(cancellationToken);
                session.Rename(step, await _ask.TextAsync("Its new id:", cancellationToken));
                return true;
            case ActionKind.Move:
                step = await _ask.StepAsync(cancellationToken);
                session.Move(step, await _ask.PlaceAsync(step, cancellationToken));
                return true;
            case ActionKind.Remove:
                session.Remove(await _ask.StepAsync(cancellationToken));
                return true;
            case ActionKind.Undo:
                return session.Undo() is not null;
            case ActionKind.Redo:
                return session.Redo() is not null;
            default:
                session.Reload();
                return true;
        }
    }

    private async Task SaveAsync(bool allowErrors, CancellationToken cancellationToken)
    {
        if (!PrintDiff() || !await _ask.ConfirmAsync($"Write {session.Shown}?", cancellationToken))
        {
            return;
        }

        var isAllowed = allowErrors || (session.HasErrors && await _ask.ConfirmAsync($"There are errors ({EditText.Summary(session)}). Write it all the same?", cancellationToken));
        session.Save(isAllowed);
        Print([$"Saved {session.Shown}."], Color.Green);
    }

    private bool PrintDiff()
    {
        var diff = session.Diff();
        foreach (var line in diff)
        {
            Print([line.Text], line.Kind switch { '+' => Color.Green, '-' => Color.Red, '@' => Color.Teal, _ => null });
        }

        if (diff.Count == 0)
        {
            Print(["Nothing has changed."]);
        }

        return diff.Count > 0;
    }

    private void PrintIssues()
    {
        foreach (var issue in session.Issues)
        {
            Print(EditText.Issues(session, [issue]), issue.Severity switch { IssueSeverity.Error => Color.Red, IssueSeverity.Warning => Color.Yellow, _ => null });
        }
    }

    // As plain text: square brackets in it are no markup.
    private void Print(IEnumerable<string> lines, Color? color = null)
    {
        foreach (var line in lines)
        {
            console.Write(new Spectre.Console.Text(line + "\n", new Style(color)));
        }
    }

    private enum ActionKind
    {
        Add, Set, Unset, Rename, Move, Remove, Undo, Redo, Diff, Save, Reload, Quit,
    }

    private sealed record MenuAction(ActionKind Kind, string Label);
}
