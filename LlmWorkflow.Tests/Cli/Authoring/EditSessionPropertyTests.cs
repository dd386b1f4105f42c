using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using LlmWorkflow.Cli.Authoring;

namespace LlmWorkflow.Tests.Cli.Authoring;

public sealed class EditSessionPropertyTests
{
    private static readonly string[] s_steps = ["fetch", "pick", "note", "fan", "l", "r", "each", "inner", "pause", "ask", "shape", "renamed"];

    private static readonly string[] s_lists = ["steps", "pick/then", "pick/else", "fan/left", "fan/right", "fan/new", "each/steps"];

    [Fact]
    public void Undo_AnyEdits_GivesEveryTextBack()
    {
        using TestDefinition file = new();
        Prop.ForAll(Gen.ListOf(Edit()).ToArbitrary(), edits =>
        {
            var session = file.Open();
            List<string> texts = [session.Text];
            foreach (var edit in edits)
            {
                try
                {
                    edit.Do(session);
                }
                catch (EditException)
                {
                    // Not possible here: nothing has changed.
                    Assert.Equal(texts[^1], session.Text);
                }

                if (session.Text != texts[^1])
                {
                    texts.Add(session.Text);
                    // Still JSON, and no id twice.
                    Assert.Equal(session.Steps.Steps.Count, session.Steps.Steps.DistinctBy(step => step.Id).Count());
                }
            }

            for (var i = texts.Count - 2; i >= 0; i--)
            {
                Assert.NotNull(session.Undo());
                Assert.Equal(texts[i], session.Text);
            }

            Assert.Null(session.Undo());
            Assert.Equal(TestDefinition.Nested, session.Text);
            while (session.Redo() is not null)
            {
                // To the last.
            }

            Assert.Equal(texts[^1], session.Text);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Diff_AnyTexts_LeadsFromOneToTheOther()
    {
        var text = Gen.ListOf(Gen.Elements("a", "b", "c", "d")).SelectMany(lines => Gen.Elements("", "\n"), (lines, end) => string.Join('\n', lines) + end);
        Prop.ForAll(text.ToArbitrary(), text.ToArbitrary(), (before, after) =>
        {
            var diff = LineDiff.Of(before, after, "a", "b");

            Assert.Equal(before == after, diff.Count == 0);
            Assert.Equal(after, Apply(before, diff));
        }).QuickCheckThrowOnFailure();
    }

    // What patch does, by the figures of the parts.
    private static string Apply(string text, IReadOnlyList<DiffLine> diff)
    {
        var old = text.Split('\n').Select(line => line + "\n").ToList();
        old[^1] = old[^1][..^1];
        List<string> made = [];
        var at = 0;
        for (var i = 0; i < diff.Count; i++)
        {
            var line = diff[i].Text;
            if (diff[i].Kind == '@')
            {
                var figures = line.Split(' ')[1][1..].Split(',');
                var start = int.Parse(figures[0]) - (figures is [_, "0"] ? 0 : 1);
                made.AddRange(old[at..start]);
                at = start;
            }
            else if (diff[i].Kind != 'f' && line[0] != '\\')
            {
                var isCut = i + 1 < diff.Count && diff[i + 1].Text[0] == '\\';
                var content = line[1..] + (isCut ? "" : "\n");
                if (diff[i].Kind != '+')
                {
                    Assert.Equal(old[at++], content);
                }

                if (diff[i].Kind != '-')
                {
                    made.Add(content);
                }
            }
        }

        return string.Concat(made.Concat(old[at..]));
    }

    private static Gen<EditAct> Edit()
    {
        var step = Gen.Elements(s_steps);
        var place = Gen.OneOf(
            step.Select(StepPosition.Before), step.Select(StepPosition.After), Gen.Elements(s_lists).Select(list => StepPosition.In(list)),
            Gen.Elements(s_lists).SelectMany(list => Gen.Choose(0, 3), (list, index) => StepPosition.In(list, index)));
        var property = Gen.Elements("when", "seconds", "retry.max_attempts", "inputs.0.a", "then", "description", "branches.left");
        var value = Gen.Elements("1", "\"ü ${steps.fetch.output}\"", "[]", "{\"a\":[{\"b\":1}]}", "null").Select(json => JsonElement.Parse(json));
        return Gen.OneOf(
            Gen.Elements("wait", "llm", "transform", "foreach").SelectMany(type => place, (type, at) => new EditAct($"add {type} {at}", session => session.Add(type, at))),
            step.SelectMany(name => property.SelectMany(field => value, (field, json) => new EditAct($"set {name} {field} {json}", session => session.Set(name, field, json)))),
            step.SelectMany(name => property, (name, field) => new EditAct($"unset {name} {field}", session => session.Unset(name, field))),
            step.SelectMany(name => step, (name, id) => new EditAct($"rename {name} {id}", session => session.Rename(name, id))),
            step.SelectMany(name => place, (name, at) => new EditAct($"move {name} {at}", session => session.Move(name, at))),
            step.Select(name => new EditAct($"remove {name}", session => session.Remove(name))));
    }

    private sealed record EditAct(string Name, Action<EditSession> Do)
    {
        public override string ToString() => Name;
    }
}
