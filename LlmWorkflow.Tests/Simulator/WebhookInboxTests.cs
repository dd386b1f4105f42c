using System.Net;
using System.Text;

namespace LlmWorkflow.Tests.Simulator;

public sealed class WebhookInboxTests : SimulatorServer
{
    private const string Inbox = "/_control/webhooks/orders";

    [Fact]
    public async Task Post_Webhook_KeepsHeadersAndExactBody()
    {
        const string body = "{ \"a\" :1,\r\n\"ü\": \"\uFEFF\" }\n";
        using var request = new HttpRequestMessage(HttpMethod.Post, Inbox) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("X-Webhook-Event", "workflow.completed");

        Assert.Equal(HttpStatusCode.OK, (await Http.SendAsync(request)).StatusCode);

        var delivery = Assert.Single(Parse(await Http.GetStringAsync(Inbox)).GetProperty("deliveries").EnumerateArray());
        Assert.Equal(body, delivery.GetProperty("body").GetString());
        Assert.Equal("workflow.completed", delivery.GetProperty("headers").GetProperty("x-webhook-event").GetString());
        Assert.Equal(200, delivery.GetProperty("status").GetInt32());
        Assert.Empty(Parse(await Http.GetStringAsync("/_control/webhooks/other")).GetProperty("deliveries").EnumerateArray());
    }

    [Fact]
    public async Task Post_StatusesQueued_AnswersThemInTurnThen200()
    {
        await Http.PutAsync(Inbox, Json("""{"statuses":[500,429],"delay_ms":1}"""));

        var answers = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            answers.Add((int)(await Http.PostAsync(Inbox, Json("{}"))).StatusCode);
        }

        Assert.Equal([500, 429, 200], answers);
        Assert.Equal(3, Parse(await Http.GetStringAsync(Inbox)).GetProperty("deliveries").GetArrayLength());
    }

    [Fact]
    public async Task Delete_Inbox_ClearsDeliveriesAndStatuses()
    {
        await Http.PutAsync(Inbox, Json("""{"statuses":[500,500]}"""));
        await Http.PostAsync(Inbox, Json("{}"));

        await Http.DeleteAsync(Inbox);

        Assert.Equal(HttpStatusCode.OK, (await Http.PostAsync(Inbox, Json("{}"))).StatusCode);
        Assert.Single(Parse(await Http.GetStringAsync(Inbox)).GetProperty("deliveries").EnumerateArray());
    }

    [Theory]
    [InlineData("""{"status":[500]}""")]
    [InlineData("""{"statuses":[5000]}""")]
    [InlineData("""{"delay_ms":-1}""")]
    [InlineData("nonsense")]
    public async Task Put_Invalid_400(string body)
    {
        var response = await Http.PutAsync(Inbox, Json(body));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("statuses", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
