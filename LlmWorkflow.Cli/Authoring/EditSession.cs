using System.Text.Json;
using LlmWorkflow.Cli.Authoring.Text;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>One definition file being edited: its text with all versions of this session. Nothing is written before <see cref="Save"/>.</summary>
internal sealed class EditSession
{
    private readonly DefinitionFile _file;
    private readonly Func<string, IReadOnlyList<DefinitionIssue>> _validate;
    private readonly StepSkeletons _skeletons;
    private readonly Stack<Version> _undo = new();
    private readonly Stack<Version> _redo = new();
    private string _saved;

    private EditSession(DefinitionFile file, string shown, StepSkeletons skeletons, Func<string, IReadOnlyList<DefinitionIssue>> validate)
    {
        (_file, _skeletons, _validate) = (file, skeletons, validate);
        Shown = shown;
        Text = _saved = file.Text;
        Check();
    }

    /// <summary>The file's path for people.</summary>
    public string Shown { get; }

    /// <summary>The definition as it is now.</summary>
    public string Text { get; private set; }

    /// <summary>What validation says of <see cref="Text"/>, in its order.</summary>
    public IReadOnlyList<DefinitionIssue> Issues { get; private set; } = [];

    /// <summary>Whether one of them is an error.</summary>
    public bool HasErrors => Issues.Any(issue => issue.Severity is IssueSeverity.Error);

    /// <summary>Whether <see cref="Text"/> differs from what was read or saved last.</summary>
    public bool IsChanged => Text != _saved;

    /// <summary>The steps now.</summary>
    public StepTree Steps => new(JsonSpan.Parse(Text));

    /// <summary>What <see cref="Undo"/> would take back; null: nothing.</summary>
    public string? NextUndo => _undo.TryPeek(out var version) ? version.Edit : null;

    /// <summary>What <see cref="Redo"/> would do again; null: nothing.</summary>
    public string? NextRedo => _redo.TryPeek(out var version) ? version.Edit : null;

    /// <summary>Opens a file.</summary>
    /// <param name="file">Absolute.</param>
    /// <param name="shown">As the caller named it.</param>
    /// <param name="surroundings">What the definition may refer to.</param>
    /// <param name="name">The name that it must have; null: any.</param>
    /// <exception cref="CliException">There is none, or it is no JSON object.</exception>
    public static EditSession Open(string file, string shown, DefinitionSurroundings surroundings, string? name)
    {
        var read = DefinitionFile.Read(file, shown);
        ThrowUnlessObject(read.Text, shown);
        return new(read, shown, new StepSkeletons(surroundings), text => DefinitionValidator.Validate(text, name, surroundings).Issues);
    }

    /// <summary>Adds a step of a type (<c>llm</c>; <c>transform:filter</c> with an operation), with what it must have.</summary>
    /// <returns>Its id.</returns>
    /// <exception cref="EditException">The type or the position does not exist, or the id is taken.</exception>
    public string Add(string type, StepPosition position, string? id = null)
    {
        var (skeleton, given) = _skeletons.Make(type, id, Steps);
        Do($"add {type} {given}", text => DefinitionEdits.Add(text, skeleton, position));
        return given;
    }

    /// <summary>Sets a property of a step, or of the workflow when <paramref name="step"/> is null.</summary>
    public void Set(string? step, string property, JsonElement value) => Do($"set {step ?? "."} {property}", text => DefinitionEdits.Set(text, step, property, value));

    /// <summary>Takes a property of a step, or of the workflow when <paramref name="step"/> is null, away.</summary>
    public void Unset(string? step, string property) => Do($"unset {step ?? "."} {property}", text => DefinitionEdits.Unset(text, step, property));

    /// <summary>Gives a step another id, in the expressions of the file too.</summary>
    public void Rename(string step, string id) => Do($"rename {step} {id}", text => DefinitionEdits.Rename(text, step, id));

    /// <summary>Puts a step elsewhere.</summary>
    public void Move(string step, StepPosition position) => Do($"move {step}", text => DefinitionEdits.Move(text, step, position));

    /// <summary>Takes a step out, with all that is inside it.</summary>
    public void Remove(string step) => Do($"remove {step}", text => DefinitionEdits.Remove(text, step));

    /// <summary>Takes the last edit back.</summary>
    /// <returns>The edit; null: there is none.</returns>
    public string? Undo() => Swap(_undo, _redo);

    /// <summary>Does the edit that was taken back last again.</summary>
    /// <returns>The edit; null: there is none.</returns>
    public string? Redo() => Swap(_redo, _undo);

    /// <summary>What saving would change in the file as it is on disk now.</summary>
    public IReadOnlyList<DiffLine> Diff() => LineDiff.Of(File.Exists(_file.Path) ? DefinitionFile.Read(_file.Path, Shown).Text : "", Text, Shown, $"{Shown} (edited)");

    /// <summary>Takes over what somebody else has written to the file; an edit that can be undone.</summary>
    public void Reload()
    {
        _file.Reload();
        ThrowUnlessObject(_file.Text, Shown);
        _saved = _file.Text;
        Do("reload", _ => _file.Text);
    }

    /// <summary>Writes the file.</summary>
    /// <param name="allowErrors">Even with errors in it.</param>
    /// <returns>Whether there was something to write.</returns>
    /// <exception cref="EditException">There are errors, or somebody else has changed the file.</exception>
    public bool Save(bool allowErrors)
    {
        if (_file.IsChanged())
        {
            throw new EditException($"{Shown} has changed on disk since it was read. See 'diff'; 'reload' takes that version ('undo' then brings yours back, to be saved over it).");
        }

        if (HasErrors && !allowErrors)
        {
            throw new EditException("The definition has errors; see 'issues'. Mend them, or allow them with --allow-errors.");
        }

        if (!IsChanged)
        {
            return false;
        }

        _file.Write(Text);
        _saved = Text;
        return true;
    }

    private static void ThrowUnlessObject(string text, string shown)
    {
        try
        {
            if (JsonSpan.Parse(text).Kind is JsonValueKind.Object)
            {
                return;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CliException($"'{shown}' is not valid JSON, so it cannot be edited step by step: {e.Message}");
        }

        throw new CliException($"'{shown}' must hold a JSON object.");
    }

    private void Do(string edit, Func<string, string> change)
    {
        var text = change(Text);
        if (text == Text)
        {
            return;
        }

        _undo.Push(new(edit, Text));
        _redo.Clear();
        Text = text;
        Check();
    }

    private string? Swap(Stack<Version> from, Stack<Version> to)
    {
        if (!from.TryPop(out var version))
        {
            return null;
        }

        to.Push(new(version.Edit, Text));
        Text = version.Text;
        Check();
        return version.Edit;
    }

    private void Check() => Issues = _validate(Text);

    private sealed record Version(string Edit, string Text);
}
