using System.Globalization;
using System.Text.RegularExpressions;
using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>Gemma Scope's autoencoders: JumpReLU, the decoder's bias not subtracted. The first have no configuration; their folder's path says where they belong.</summary>
internal static partial class GemmaScopeConfiguration
{
    /// <summary>For <c>…/layer_12/width_16k/average_l0_82</c>, as in the cache of a repository such as <c>gemma-scope-2b-pt-res</c>.</summary>
    public static SaeLensConfiguration FromPath(string folder)
    {
        string path = Path.GetFullPath(folder).Replace('\\', '/');
        string? layer = LayerPart().Match(path) is { Success: true } found ? found.Groups[1].Value : null;
        Match repository = RepositoryPart().Match(path);
        string? point = !repository.Success ? null : repository.Groups["site"].Value switch
        {
            "att" => "attn.hook_z",
            "mlp" => "hook_mlp_out",
            "transcoders" => "ln2.hook_normalized",
            _ => "hook_resid_post",
        };
        bool transcoder = repository.Success && repository.Groups["site"].Value == "transcoders";
        return Configuration(transcoder, repository.Success ? $"google/gemma-2-{repository.Groups["model"].Value}" : null,
            path.Contains("/embedding/", StringComparison.Ordinal) && !transcoder ? "hook_embed" : point is null || layer is null ? null : $"blocks.{layer}.{point}",
            transcoder && layer is not null ? $"blocks.{layer}.hook_mlp_out" : null);
    }

    /// <summary>For Gemma Scope 2's <c>config.json</c>.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or asks for what is not known.</exception>
    public static SaeLensConfiguration Load(string folder)
    {
        string path = Path.Combine(folder, "config.json");
        if (!File.Exists(path)) return Configuration(transcoder: false, null, null, null);
        return ConfigurationElement.Read(path, root =>
        {
            string architecture = root.String("architecture") ?? "jump_relu", kind = root.String("type") ?? "sae";
            if (architecture is not ("jump_relu" or "jumprelu")) throw new InvalidDataException($"{path}: the architecture '{architecture}' is not known; known is jump_relu.");
            if (kind is not ("sae" or "transcoder")) throw new InvalidDataException($"{path}: this is one layer of a '{kind}'; give the folder whose config.yaml lists all of its layers.");
            string? reads = Hook(root.String("hf_hook_point_in")), writes = Hook(root.String("hf_hook_point_out"));
            bool transcoder = kind == "transcoder" || (writes is not null && writes != reads);
            return Configuration(transcoder, root.String("model_name"), reads, transcoder ? writes : null);
        });
    }

    private static SaeLensConfiguration Configuration(bool transcoder, string? model, string? reads, string? writes) => new()
    {
        Settings = new AutoencoderSettings
        {
            Architecture = transcoder ? "jumprelu_transcoder" : "jumprelu",
            ModelName = model,
            HookName = reads,
            OutputHookName = writes,
        },
    };

    /// <summary>TransformerLens's name of a module's output as transformers names it; where there is none, the name itself.</summary>
    private static string? Hook(string? name)
    {
        if (name is null || ModulePart().Match(name) is not { Success: true } match) return name;
        string? point = match.Groups["rest"].Value switch
        {
            "output" => "hook_resid_post",
            "self_attn.o_proj.input" => "attn.hook_z",
            "pre_feedforward_layernorm.output" => "mlp.hook_in",
            "mlp.output" => "mlp.hook_out",
            "post_feedforward_layernorm.output" => "hook_mlp_out",
            "post_attention_layernorm.output" => "hook_attn_out",
            _ => null,
        };
        return point is null ? name : string.Create(CultureInfo.InvariantCulture, $"blocks.{match.Groups["layer"].Value}.{point}");
    }

    [GeneratedRegex(@"/layer_(\d{1,4})(/|$)")]
    private static partial Regex LayerPart();

    [GeneratedRegex(@"gemma-scope-(?<model>\d+b(-it)?)(-pt)?-(?<site>res|mlp|att|transcoders)")]
    private static partial Regex RepositoryPart();

    [GeneratedRegex(@"^(model\.)?(language_model\.)?layers\.(?<layer>\d{1,4})\.(?<rest>.+)$")]
    private static partial Regex ModulePart();
}
