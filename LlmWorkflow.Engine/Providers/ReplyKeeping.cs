using System.Security.Cryptography;
using System.Text;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Engine.Providers;

/// <summary>Keeps the reply to a question for other jobs: a step's <c>cache</c>.</summary>
/// <param name="Question">The question.</param>
/// <param name="KeepFor">For how long.</param>
/// <param name="IsUsable">Whether a reply is worth keeping: one that the step itself cannot use is not.</param>
internal sealed record ReplyKeeping(ReplyQuestion Question, TimeSpan KeepFor, Func<LlmReply, bool> IsUsable)
{
    /// <summary>Keeping of the reply to a prompt.</summary>
    /// <param name="prompt">The step's first prompt; replies of its fallbacks and repairs answer the same question.</param>
    /// <param name="user">Whose jobs may have it; jobs without a user are together one user.</param>
    /// <param name="isShared">The jobs of all users may have it.</param>
    /// <param name="keepFor">For how long.</param>
    /// <param name="check">What makes a reply usable.</param>
    public static ReplyKeeping Of(LlmPrompt prompt, Guid? user, bool isShared, TimeSpan keepFor, ReplyCheck check)
    {
        var owner = isShared ? "shared" : user?.ToString("D") ?? "none";
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{prompt.Hash()}:{owner}")));
        return new(new(key, keepFor), keepFor, reply => reply.FinishReason != "length" && check.Check(reply).Issues.Count == 0);
    }
}
