using System.Text;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

public sealed class ReplyTextTests
{
    private const string Key = "a+b/c=é\"d";

    [Theory]
    [InlineData("""x a+b/c=é"d y""")]
    [InlineData("""x a\u002Bb/c=\u00E9\u0022d y""")]
    [InlineData("""x a\u002bb/c=\u00e9\u0022d y""")]
    [InlineData("""x a+b/c=é\"d y""")]
    [InlineData("x a%2Bb%2Fc%3D%C3%A9%22d y")]
    [InlineData("x a%2bb%2fc%3d%c3%a9%22d y")]
    [InlineData("""x \u0061\u002bb\/c%3D\u00e9\"d y""")]
    public void Clean_KeyInAnyForm_IsReplaced(string text)
    {
        Assert.Equal("x [REDACTED] y", Clean(text));
        Assert.True(KeyText.IsIn(text, Key));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("no key", "no key")]
    [InlineData("""a+b/c=é"da+b/c=é"d""", "[REDACTED][REDACTED]")]
    public void Clean_Otherwise_LeavesTheText(string text, string cleaned) => Assert.Equal(cleaned, Clean(text));

    [Theory]
    [InlineData("%25", "%25 %2525", "[REDACTED] [REDACTED]")]
    [InlineData(@"a\b", @"a\b a\\b a\u005cb a%5Cb", "[REDACTED] [REDACTED] [REDACTED] [REDACTED]")]
    [InlineData("a b", "a+b a%20b a b", "[REDACTED] [REDACTED] [REDACTED]")]
    [InlineData("k😀y", "k😀y k\\ud83d\\ude00y k%F0%9F%98%80y", "[REDACTED] [REDACTED] [REDACTED]")]
    [InlineData("abc", "ab", "ab")]
    [InlineData("abc", "aabc%", "a[REDACTED]%")]
    [InlineData("12345", """{"a":12345,"b":[12345, 1],"c":"x12345 12345"}""", """{"a":"[REDACTED]","b":["[REDACTED]", 1],"c":"x[REDACTED] [REDACTED]"}""")]
    [InlineData("12345", """{"a":9912345,"b":123456,"c":0.12345,"d":12345.5,"e":-12345,"f":12345e3}""", """{"a":9912345,"b":123456,"c":0.12345,"d":12345.5,"e":-12345,"f":12345e3}""")]
    public void Clean_OddKeys_AreFound(string key, string text, string cleaned) =>
        Assert.Equal(cleaned, Encoding.UTF8.GetString(ReplyText.Clean(Encoding.UTF8.GetBytes(text), null, key)));

    [Fact]
    public void Clean_ShortOrNoKey_TakesNothingOut()
    {
        Assert.Equal("abc", Encoding.UTF8.GetString(ReplyText.Clean("abc"u8.ToArray(), null, "a")));
        Assert.Equal("abc", Encoding.UTF8.GetString(ReplyText.Clean("abc"u8.ToArray(), null, null)));
    }

    [Theory]
    [InlineData("""["a\u0000\u0000b"]""", """["a\ufffd\ufffdb"]""")]
    [InlineData("""["a\\u0000"]""", """["a\\u0000"]""")]
    [InlineData("""["a\\\u0000"]""", """["a\\\ufffd"]""")]
    [InlineData("""["\ud83d\ude00", "\ud83d", "\ude00", "\ud83dx", "\ud83d\ud83d\ude00", "\\ud83d"]""", """["\ud83d\ude00", "\ufffd", "\ufffd", "\ufffdx", "\ufffd\ud83d\ude00", "\\ud83d"]""")]
    [InlineData("""["\u12""", """["\u12""")]
    [InlineData("""["\""", """["\""")]
    public void Clean_WhatCannotBeStored_IsReplacedWhereItIsOne(string text, string cleaned) => Assert.Equal(cleaned, Clean(text));

    [Fact]
    public void Clean_OtherEncodings_BecomeUtf8()
    {
        Assert.Equal("\"é\"", Encoding.UTF8.GetString(ReplyText.Clean(Encoding.Latin1.GetBytes("\"é\""), "iso-8859-1", null)));
        Assert.Equal("\"é\"", Encoding.UTF8.GetString(ReplyText.Clean([.. Encoding.UTF8.Preamble, .. "\"é\""u8], "\"utf-8\"", null)));
        Assert.Equal("\"é\"", Encoding.UTF8.GetString(ReplyText.Clean("\"é\""u8.ToArray(), "nobody-knows", null)));
        Assert.Equal("\"\ufffd\"", Encoding.UTF8.GetString(ReplyText.Clean(Encoding.Latin1.GetBytes("\"é\""), null, null)));
    }

    private static string Clean(string text) => Encoding.UTF8.GetString(ReplyText.Clean(Encoding.UTF8.GetBytes(text), null, Key));
}
