using System.Text.Json;
using LlmWorkflow.Cli.Authoring.Text;
using LlmWorkflow.Engine.Definitions.Language;
using Spectre.Console;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>The questions of <see cref="EditMenu"/>.</summary>
/// <param name="session">What is edited.</param>
/// <param name="console">Where it is asked.</param>
internal sealed class EditQuestions(EditSession session, IAnsiConsole console)
{
    private const int PageSize = 20;

    /// <summary>One of several.</summary>
    public Task<T> ChooseAsync<T>(string title, IEnumerable<T> choices, Func<T, string> label, CancellationToken cancellationToken)
        where T : notnull
    {
        var prompt = new SelectionPrompt<T>().Title(Markup.Escape(title)).PageSize(PageSize).UseConverter(choice => Markup.Escape(label(choice))).AddChoices(choices);
        return prompt.ShowAsync(console, cancellationToken);
    }

    /// <summary>A line of text; may be empty.</summary>
    public async Task<string> TextAsync(string title, CancellationToken cancellationToken) =>
        (await new TextPrompt<string>(Markup.Escape(title)).AllowEmpty().ShowAsync(console, cancellationToken)).Trim();

    /// <summary>Yes or no; no by default.</summary>
    public Task<bool> ConfirmAsync(string title, CancellationToken cancellationToken) =>
        new ConfirmationPrompt(Markup.Escape(title)) { DefaultValue = false }.ShowAsync(console, cancellationToken);

    /// <summary>A step.</summary>
    /// <exception cref="EditException">There is none.</exception>
    public async Task<string> StepAsync(CancellationToken cancellationToken) => session.Steps.Steps is { Count: > 0 } steps
        ? Reference(await ChooseAsync("Which step?", steps, static step => $"{new string(' ', 2 * step.Depth)}{step.Name}  {step.Type}", cancellationToken))
        : throw new EditException("There are no steps.");

    /// <summary>A step, or null for the workflow.</summary>
    public async Task<string?> TargetAsync(CancellationToken cancellationToken)
    {
        IEnumerable<(string Label, string? Step)> choices =
            [("the workflow", null), .. session.Steps.Steps.Select(step => ($"{new string(' ', 2 * step.Depth)}{step.Name}  {step.Type}", (string?)Reference(step)))];
        return (await ChooseAsync("Of what?", choices, static choice => choice.Label, cancellationToken)).Step;
    }

    /// <summary>A property that may be set, by choice or typed.</summary>
    public async Task<string> PropertyAsync(string? step, CancellationToken cancellationToken)
    {
        var (span, json) = Find(step);
        var shape = step is null ? WorkflowShapes.Workflow : StepShapes.Find(json) ?? StepShapes.Unknown;
        List<(string Name, string Label)> choices = [.. shape.Properties
            .Where(property => property.Name is not "id" || step is null)
            .Select(property => (property.Name, $"{property.Name}{Current(span.Member(property.Name))}  {property.Doc}"))];
        choices.Add(("", "another, or one inside (retry.max_attempts)"));
        var chosen = await ChooseAsync("Which property?", choices, static choice => choice.Label, cancellationToken);
        return chosen.Name.Length > 0 ? chosen.Name : await TextAsync("Its name:", cancellationToken);
    }

    /// <summary>A property that is there.</summary>
    public async Task<string> KnownPropertyAsync(string? step, CancellationToken cancellationToken) =>
        (await ChooseAsync("Which property?", Find(step).Span.Children.Where(child => child.Name is not ("id" or "type")), child => $"{child.Name}{Current(child)}", cancellationToken)).Name!;

    /// <summary>A place for a step.</summary>
    public async Task<StepPosition> PlaceAsync(string? moved, CancellationToken cancellationToken)
    {
        List<(string Label, StepPosition Position)> places = [];
        foreach (var list in session.Steps.Lists)
        {
            places.Add(($"{list.Path}: first", StepPosition.In(list.Path, 0)));
            places.AddRange(list.Steps.Where(step => Reference(step) != moved).Select(step => ($"{list.Path}: after {step.Name}", StepPosition.After(Reference(step)))));
        }

        return places.Count == 0 ? StepPosition.End : (await ChooseAsync("Where?", places, static place => place.Label, cancellationToken)).Position;
    }

    // An id that two steps have names neither.
    private string Reference(EditedStep step) => session.Steps.Steps.Count(other => other.Name == step.Name) == 1 ? step.Name : step.Place;

    private (JsonSpan Span, JsonElement Json) Find(string? step)
    {
        var span = step is null ? JsonSpan.Parse(session.Text) : session.Steps.Find(step).Span;
        return (span, JsonElement.Parse(session.Text[span.Start..span.End]));
    }

    private string Current(JsonSpan? value)
    {
        const int Most = 40;
        if (value is null)
        {
            return "";
        }

        var text = JsonLayout.Inline(JsonElement.Parse(session.Text[value.Start..value.End]));
        return $" = {(text.Length > Most ? text[..Most] + "…" : text)}";
    }
}
