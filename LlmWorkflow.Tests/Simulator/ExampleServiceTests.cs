using System.Net;

namespace LlmWorkflow.Tests.Simulator;

public sealed class ExampleServiceTests : ServiceWire
{
    [Fact]
    public async Task List_AllPages_Are45Items()
    {
        List<string> ids = [];
        var token = "";
        do
        {
            var page = await ReadAsync(Example(HttpMethod.Get, $"items?limit=20&page_token={token}"));
            ids.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
            token = page.TryGetProperty("next_page_token", out var next) ? next.GetString() : null;
        }
        while (token is not null);

        Assert.Equal(45, ids.Distinct().Count());
        Assert.Equal(45, ids.Count);
    }

    [Fact]
    public async Task Item_OfTheList_IsTheSame()
    {
        var first = (await ReadAsync(Example(HttpMethod.Get, "items"))).GetProperty("items")[0];

        Assert.Equal(first.GetRawText(), (await ReadAsync(Example(HttpMethod.Get, $"items/{first.GetProperty("id").GetString()}"))).GetRawText());
    }

    [Fact]
    public async Task Create_Named_201WithAnId()
    {
        var (status, item) = await AskAsync(Example(HttpMethod.Post, "items", """{"name":"Lamp","price":12.5}"""));

        Assert.Equal(HttpStatusCode.Created, status);
        Assert.StartsWith("item-", item.GetProperty("id").GetString());
        Assert.Equal(("Lamp", 12.5), (item.GetProperty("name").GetString(), item.GetProperty("price").GetDouble()));
        Assert.Equal(201, (await OnlyCallAsync()).GetProperty("status").GetInt32());
    }

    [Theory]
    [InlineData("GET", "items", null, null, 401, "unauthorized")]
    [InlineData("GET", "items", null, "a-wrong-key", 401, "unauthorized")]
    [InlineData("GET", "items/item-999", null, Key, 404, "not_found")]
    [InlineData("GET", "items?limit=0", null, Key, 400, "invalid_request")]
    [InlineData("GET", "items?page_token=x", null, Key, 400, "invalid_request")]
    [InlineData("POST", "items", """{"price":1}""", Key, 400, "invalid_request")]
    [InlineData("POST", "items", "[]", Key, 400, "invalid_request")]
    [InlineData("POST", "items", "{", Key, 400, "invalid_request")]
    [InlineData("DELETE", "items", null, Key, 404, "not_found")]
    public async Task Any_WrongRequest_ErrorWithItsCode(string method, string path, string? body, string? key, int status, string code)
    {
        var (answered, reply) = await AskAsync(Example(new HttpMethod(method), path, body, key));

        Assert.Equal((status, code), ((int)answered, reply.GetProperty("error").GetProperty("code").GetString()));
        Assert.NotEmpty(reply.GetProperty("error").GetProperty("message").GetString()!);
    }

    [Fact]
    public async Task Status_Told_OkAndFailed()
    {
        Assert.Equal("ok", (await ReadAsync(Example(HttpMethod.Get, "status"))).GetProperty("status").GetString());
        await BehaveAsync("""{"match":{"path":"/example"},"error_status":200}""");

        var failed = await ReadAsync(Example(HttpMethod.Get, "status"));

        Assert.Equal("failed", failed.GetProperty("status").GetString());
        Assert.NotEmpty(failed.GetProperty("message").GetString()!);
    }
}
