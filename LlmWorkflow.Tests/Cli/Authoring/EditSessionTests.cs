using System.Text;
using System.Text.Json;
using LlmWorkflow.Cli.Authoring;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Tests.Cli.Authoring;

public sealed class EditSessionTests : IDisposable
{
    private readonly TestDefinition _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public void Open_NestedDefinition_ListsAllStepsAndLists()
    {
        var session = _file.Open();

        Assert.DoesNotContain(session.Issues, issue => issue.Severity is IssueSeverity.Error);
        Assert.Equal(["fetch", "pick", "pick/then/note", "fan", "fan/left/l", "fan/right/r", "each", "each/steps/inner"], session.Steps.Steps.Select(step => step.Path));
        Assert.Equal(["steps", "pick/then", "pick/else", "fan/left", "fan/right", "each/steps"], session.Steps.Lists.Select(list => list.Path));
    }

    [Fact]
    public void Add_AfterStepInEveryList_ChangesOnlyItsLines()
    {
        var session = _file.Open();

        Assert.Equal("pause", session.Add("wait", StepPosition.After("note")));
        Assert.Equal("pause_2", session.Add("wait", StepPosition.In("pick/else")));
        Assert.Equal("pause_3", session.Add("wait", StepPosition.In("fan/right", 0)));

        AssertDiff(
            session,
            """
            @@ -13,9 +13,20 @@
                       "type": "transform",
                       "operation": "template",
                       "template": "got ${steps.fetch.output} and $${steps.fetch} é"
            +        },
            +        {
            +          "id": "pause",
            +          "type": "wait",
            +          "seconds": 1
                     }
                   ],
            -      "else": []
            +      "else": [
            +        {
            +          "id": "pause_2",
            +          "type": "wait",
            +          "seconds": 1
            +        }
            +      ]
                 },
                 {
                   "id": "fan",
            @@ -23,6 +34,11 @@
                   "branches": {
                     "left": [{ "id": "l", "type": "wait", "seconds": 1 }],
                     "right": [
            +          {
            +            "id": "pause_3",
            +            "type": "wait",
            +            "seconds": 1
            +          },
                       { "id": "r", "type": "wait", "seconds": "${ length(steps.fetch.output) }" }
                     ]
                   }
            """);
        Assert.False(session.HasErrors);
    }

    [Theory]
    [InlineData("pick/default", "There is no list 'pick/default'")]
    [InlineData("fetch", "There is no list 'fetch'")]
    [InlineData("nobody/then", "There is no list 'nobody/then'")]
    public void Add_UnknownList_SaysWhichThereAre(string list, string message)
    {
        var session = _file.Open();

        var e = Assert.Throws<EditException>(() => session.Add("wait", StepPosition.In(list)));

        Assert.StartsWith(message, e.Message);
        Assert.Contains("pick/then", e.Message);
        Assert.False(session.IsChanged);
    }

    [Fact]
    public void Add_ListsThatAreNotThereYet_AreMade()
    {
        using TestDefinition file = new("""{ "name": "order", "steps": [{ "id": "a", "type": "conditional", "condition": "true", "then": [] }, { "id": "p", "type": "parallel", "branches": {} }] }""");
        var session = file.Open();

        session.Add("wait", StepPosition.In("a/else"));
        session.Add("wait", StepPosition.In("p/left"));

        Assert.Equal(["steps", "a/then", "a/else", "p/left"], session.Steps.Lists.Select(list => list.Path));
        Assert.False(session.HasErrors);
    }

    [Fact]
    public void Add_EveryType_IsValidOnceItsListsAreFilled()
    {
        foreach (var type in StepSkeletons.Types)
        {
            using TestDefinition file = new();
            var session = file.Open();
            var id = session.Add(type, StepPosition.After("fetch"));
            foreach (var list in session.Steps.Find(id).Lists.Where(list => list.Steps.Count == 0).Select(list => list.Path).ToList())
            {
                session.Add("wait", StepPosition.In(list));
            }

            // Workflows are not checked without surroundings; all else is.
            Assert.Equal([], session.Issues.Where(issue => issue.Severity is IssueSeverity.Error).Select(issue => $"{type}: {issue.Message}"));
        }
    }

    [Fact]
    public void Set_PropertyOnOneLine_StaysOnIt()
    {
        var session = _file.Open();

        session.Set("l", "seconds", JsonElement.Parse("2.50"));
        session.Set("l", "when", JsonElement.Parse("\"a < 'ä'\""));
        session.Set("note", "retry.max_attempts", JsonElement.Parse("4"));
        session.Set(null, "timeout_seconds", JsonElement.Parse("300"));
        session.Set(null, "variables.limit", JsonElement.Parse("[1,2]"));
        session.Unset(null, "variables.note");

        AssertDiff(
            session,
            """
            @@ -1,6 +1,7 @@
             {
               "name": "order",
            -  "variables": { "limit": 5, "note": "Füße – 😀" },
            +  "variables": { "limit": [1, 2] },
            +  "timeout_seconds": 300,
               "steps": [
                 { "id": "fetch", "type": "transform", "operation": "template", "template": "x" },
                 {
            @@ -12,7 +13,8 @@
                       "id": "note",
                       "type": "transform",
                       "operation": "template",
            -          "template": "got ${steps.fetch.output} and $${steps.fetch} é"
            +          "template": "got ${steps.fetch.output} and $${steps.fetch} é",
            +          "retry": { "max_attempts": 4 }
                     }
                   ],
                   "else": []
            @@ -21,7 +23,7 @@
                   "id": "fan",
                   "type": "parallel",
                   "branches": {
            -        "left": [{ "id": "l", "type": "wait", "seconds": 1 }],
            +        "left": [{ "id": "l", "type": "wait", "seconds": 2.50, "when": "a < 'ä'" }],
                     "right": [
                       { "id": "r", "type": "wait", "seconds": "${ length(steps.fetch.output) }" }
                     ]
            """);
    }

    [Fact]
    public void Rename_ReferencedStep_ChangesEveryExpressionAndNoText()
    {
        var session = _file.Open();

        session.Rename("fetch", "load_it");

        Assert.False(session.HasErrors);
        Assert.Equal(
            TestDefinition.Nested.Replace("\"id\": \"fetch\"", "\"id\": \"load_it\"").Replace("${steps.fetch.output}", "${steps.load_it.output}")
                .Replace("steps.fetch.output ==", "steps.load_it.output ==").Replace("steps['fetch']", "steps['load_it']")
                .Replace("length(steps.fetch", "length(steps.load_it").Replace("[steps.fetch", "[steps.load_it"),
            session.Text);
        Assert.Contains("$${steps.fetch} é", session.Text);
    }

    [Theory]
    [InlineData("fetch", "pick", "There is a step 'pick' already.")]
    [InlineData("fetch", "No", "'No' is no step id: a lower-case letter")]
    [InlineData("fetsh", "x", "There is no step 'fetsh'. ")]
    public void Rename_Impossible_IsRefused(string step, string id, string message)
    {
        var session = _file.Open();

        Assert.StartsWith(message, Assert.Throws<EditException>(() => session.Rename(step, id)).Message);
        Assert.Equal(TestDefinition.Nested, session.Text);
    }

    [Fact]
    public void Move_BetweenLists_KeepsTheStepAsWritten()
    {
        var session = _file.Open();

        session.Move("note", StepPosition.In("steps", 1));

        Assert.Equal(["fetch", "note", "pick", "fan", "l", "r", "each", "inner"], session.Steps.Steps.Select(step => step.Id));
        Assert.Contains("    {\n      \"id\": \"note\",\n      \"type\": \"transform\",\n", session.Text);
        Assert.Contains("\"then\": [],\n", session.Text);

        session.Move("note", StepPosition.In("pick/then"));

        Assert.Equal(TestDefinition.Nested, session.Text);
    }

    [Theory]
    [InlineData("fetch", "each", true, "pick fan each fetch")]
    [InlineData("each", "fetch", false, "each fetch pick fan")]
    [InlineData("fetch", "fetch", true, "fetch pick fan each")]
    [InlineData("pick", "fan", true, "fetch fan pick each")]
    public void Move_BesideStep_LandsThere(string step, string anchor, bool isAfter, string expected)
    {
        var session = _file.Open();

        session.Move(step, isAfter ? StepPosition.After(anchor) : StepPosition.Before(anchor));

        Assert.Equal(expected, string.Join(' ', session.Steps.Lists[0].Steps.Select(one => one.Id)));
    }

    [Fact]
    public void Move_IntoListBehindItself_FindsTheList()
    {
        var session = _file.Open();

        session.Move("fetch", StepPosition.In("each/steps", 1));

        Assert.Equal("each/steps/fetch", session.Steps.Find("fetch").Path);
        Assert.Throws<EditException>(() => session.Move("each", StepPosition.In("each/steps")));
    }

    [Fact]
    public void Remove_OnlyStep_LeavesAnEmptyListAndAnIssue()
    {
        var session = _file.Open();

        session.Remove("inner");

        Assert.Contains("\"steps\": []", session.Text);
        var issue = Assert.Single(session.Issues, issue => issue.Severity is IssueSeverity.Error);
        Assert.Equal((IssueCodes.OutOfRange, 34, 16), (issue.Code, issue.Line, issue.Column));
    }

    [Fact]
    public void UndoRedo_OverSave_GoesOn()
    {
        var session = _file.Open();
        session.Remove("each");
        session.Unset(null, "output");
        Assert.True(session.Save(allowErrors: false));

        Assert.Equal("unset . output", session.Undo());
        Assert.Equal("remove each", session.Undo());
        Assert.Null(session.Undo());
        Assert.Equal(TestDefinition.Nested, session.Text);
        Assert.True(session.IsChanged);
        Assert.Equal("remove each", session.Redo());
        session.Add("wait", StepPosition.End);

        Assert.Null(session.Redo());
    }

    [Fact]
    public void Save_UntouchedOrUndone_WritesNothing()
    {
        var session = _file.Open();
        var before = File.GetLastWriteTimeUtc(_file.Path);
        session.Remove("fan");
        session.Undo();

        Assert.False(session.Save(allowErrors: false));
        Assert.Empty(session.Diff());
        Assert.Equal(before, File.GetLastWriteTimeUtc(_file.Path));
        Assert.Equal(TestDefinition.Nested, _file.OnDisk);
    }

    [Theory]
    [InlineData("\r\n", "\t", true)]
    [InlineData("\n", "    ", false)]
    public void Save_OtherFormatting_IsKept(string newLine, string unit, bool hasMark)
    {
        var text = string.Join(newLine, "{", "@\"name\": \"order\",", "@\"steps\": [", "@@{", "@@@\"id\": \"a\",", "@@@\"type\": \"wait\",", "@@@\"seconds\": 1", "@@}", "@]", "}").Replace("@", unit);
        File.WriteAllText(_file.Path, text, new UTF8Encoding(hasMark));
        var session = _file.Open();

        session.Add("wait", StepPosition.End, "b");
        Assert.True(session.Save(allowErrors: false));

        var step = string.Join(newLine, "@@{", "@@@\"id\": \"b\",", "@@@\"type\": \"wait\",", "@@@\"seconds\": 1", "@@}").Replace("@", unit);
        var expected = text.Replace($"}}{newLine}{unit}]", $"}},{newLine}{step}{newLine}{unit}]");
        Assert.Equal([.. hasMark ? Encoding.UTF8.Preamble : [], .. Encoding.UTF8.GetBytes(expected)], File.ReadAllBytes(_file.Path));
        Assert.Equal([_file.Path], Directory.GetFiles(Path.GetDirectoryName(_file.Path)!));
    }

    [Fact]
    public void Save_WithErrors_NeedsLeave()
    {
        var session = _file.Open();
        session.Remove("fetch");

        Assert.Throws<EditException>(() => session.Save(allowErrors: false));
        Assert.Equal(TestDefinition.Nested, _file.OnDisk);
        Assert.True(session.Save(allowErrors: true));
        Assert.Equal(session.Text, _file.OnDisk);
    }

    [Fact]
    public void Save_FileChangedMeanwhile_IsRefusedUntilReloaded()
    {
        var session = _file.Open();
        session.Remove("fan");
        var mine = session.Text;
        var theirs = TestDefinition.Nested.Replace("\"limit\": 5", "\"limit\": 6");
        File.WriteAllText(_file.Path, theirs);

        Assert.Contains("changed on disk", Assert.Throws<EditException>(() => session.Save(allowErrors: true)).Message);
        Assert.Equal(theirs, _file.OnDisk);
        session.Reload();
        Assert.Equal(theirs, session.Text);
        session.Undo();
        Assert.True(session.Save(allowErrors: false));
        Assert.Equal(mine, _file.OnDisk);
    }

    [Fact]
    public void Save_FileDeletedMeanwhile_IsRefused()
    {
        var session = _file.Open();
        session.Remove("fan");
        File.Delete(_file.Path);

        Assert.Throws<EditException>(() => session.Save(allowErrors: true));
        Assert.False(File.Exists(_file.Path));
    }

    private static void AssertDiff(EditSession session, string expected) => Assert.Equal(
        ("--- order.json\n+++ order.json (edited)\n" + expected).ReplaceLineEndings("\n"), string.Join('\n', session.Diff().Select(line => line.Text)));
}
