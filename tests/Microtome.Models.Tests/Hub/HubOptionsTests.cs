using Microtome.Models.Hub;

namespace Microtome.Models.Tests.Hub;

public sealed class HubOptionsTests : IDisposable
{
    private readonly string home = Directory.CreateTempSubdirectory("microtome-home-").FullName;

    public void Dispose() => Directory.Delete(home, recursive: true);

    [Fact]
    public void The_cache_is_in_the_home_folder() => Read().CacheFolder.ShouldBe(Path.Combine(home, ".cache", "huggingface", "hub"));

    [Fact]
    public void XDG_CACHE_HOME_moves_the_cache() => Read(("XDG_CACHE_HOME", "/big")).CacheFolder.ShouldBe("/big/huggingface/hub");

    [Fact]
    public void HF_HOME_moves_the_cache_before_XDG_CACHE_HOME() =>
        Read(("HF_HOME", "/hf"), ("XDG_CACHE_HOME", "/big")).CacheFolder.ShouldBe("/hf/hub");

    [Fact]
    public void HF_HUB_CACHE_is_the_cache() => Read(("HF_HUB_CACHE", "/cache"), ("HF_HOME", "/hf")).CacheFolder.ShouldBe("/cache");

    [Fact]
    public void The_older_name_of_HF_HUB_CACHE_counts() => Read(("HUGGINGFACE_HUB_CACHE", "/cache")).CacheFolder.ShouldBe("/cache");

    [Theory]
    [InlineData("~/models", "{home}/models")]
    [InlineData("$DISK/models", "/data/models")]
    [InlineData("${DISK}s/models", "/datas/models")]
    [InlineData("/$UNKNOWN/${DISK/$", "/$UNKNOWN/${DISK/$")]
    public void Folders_may_have_a_tilde_and_variables(string setting, string folder) =>
        Read(("HF_HUB_CACHE", setting), ("DISK", "/data")).CacheFolder.ShouldBe(folder.Replace("{home}", home));

    [Fact]
    public void An_empty_variable_is_as_none() => Read(("HF_HUB_CACHE", "")).CacheFolder.ShouldBe(Read().CacheFolder);

    [Fact]
    public void HF_TOKEN_is_the_token() => Read(("HF_TOKEN", " hf_abc\n")).Token.ShouldBe("hf_abc");

    [Fact]
    public void The_older_name_of_HF_TOKEN_counts() => Read(("HUGGING_FACE_HUB_TOKEN", "hf_old")).Token.ShouldBe("hf_old");

    [Fact]
    public void The_token_is_read_from_its_file()
    {
        File.WriteAllText(Path.Combine(home, "token"), "hf_file\n");
        Read(("HF_HOME", home)).Token.ShouldBe("hf_file");
    }

    [Fact]
    public void HF_TOKEN_PATH_names_the_tokens_file()
    {
        string file = Path.Combine(home, "other");
        File.WriteAllText(file, "hf_other");
        Read(("HF_TOKEN_PATH", file)).Token.ShouldBe("hf_other");
    }

    [Fact]
    public void Without_a_token_there_is_none() => Read().Token.ShouldBeNull();

    [Fact]
    public void HF_HUB_DISABLE_IMPLICIT_TOKEN_leaves_the_token_out() =>
        Read(("HF_TOKEN", "hf_abc"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")).Token.ShouldBeNull();

    [Theory]
    [InlineData("1", true)]
    [InlineData("on", true)]
    [InlineData("Yes", true)]
    [InlineData("TRUE", true)]
    [InlineData("0", false)]
    [InlineData("no", false)]
    [InlineData("2", false)]
    public void HF_HUB_OFFLINE_is_on_for_these_words(string value, bool offline) => Read(("HF_HUB_OFFLINE", value)).Offline.ShouldBe(offline);

    [Fact]
    public void HF_ENDPOINT_is_the_address() => Read(("HF_ENDPOINT", "https://mirror.example/hub/")).Endpoint.ShouldBe(new Uri("https://mirror.example/hub"));

    [Fact]
    public void HF_ENDPOINT_must_be_an_address() =>
        Should.Throw<HubException>(() => Read(("HF_ENDPOINT", "mirror.example"))).Message.ShouldContain("'mirror.example'");

    [Fact]
    public void HF_HUB_DOWNLOAD_TIMEOUT_is_in_seconds() => Read(("HF_HUB_DOWNLOAD_TIMEOUT", "2.5")).Timeout.ShouldBe(TimeSpan.FromSeconds(2.5));

    [Fact]
    public void Options_do_not_show_the_token() => Read(("HF_TOKEN", "hf_secret")).ToString().ShouldNotContain("hf_secret");

    private HubOptions Read(params (string Name, string Value)[] variables)
    {
        Dictionary<string, string> values = variables.ToDictionary(v => v.Name, v => v.Value);
        values["HOME"] = home;
        return HubOptions.FromEnvironment(values.GetValueOrDefault);
    }
}
