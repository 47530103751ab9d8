namespace Microtome.Models.Tests;

/// <summary>What the published configurations of real models come to.</summary>
public sealed class PublishedConfigurationTests
{
    [Theory]
    [InlineData("Qwen--Qwen3-0.6B", "qwen3", 28, 1024, 3072, 16, 8, 128, 151_936, 40_960, true)]
    [InlineData("Qwen--Qwen3-1.7B", "qwen3", 28, 2048, 6144, 16, 8, 128, 151_936, 40_960, true)]
    [InlineData("Qwen--Qwen3-4B", "qwen3", 36, 2560, 9728, 32, 8, 128, 151_936, 40_960, true)]
    [InlineData("Qwen--Qwen3-8B", "qwen3", 36, 4096, 12_288, 32, 8, 128, 151_936, 40_960, false)]
    [InlineData("Qwen--Qwen3-14B", "qwen3", 40, 5120, 17_408, 40, 8, 128, 151_936, 40_960, false)]
    [InlineData("Qwen--Qwen2.5-0.5B", "qwen2", 24, 896, 4864, 14, 2, 64, 151_936, 32_768, true)]
    [InlineData("google--gemma-2-2b", "gemma2", 26, 2304, 9216, 8, 4, 256, 256_000, 8192, true)]
    [InlineData("google--gemma-2-9b", "gemma2", 42, 3584, 14_336, 16, 8, 256, 256_000, 8192, true)]
    [InlineData("google--gemma-3-270m", "gemma3_text", 18, 640, 2048, 4, 1, 256, 262_144, 32_768, true)]
    [InlineData("google--gemma-3-1b-pt", "gemma3_text", 26, 1152, 6912, 4, 1, 256, 262_144, 32_768, true)]
    [InlineData("google--gemma-3-1b-it", "gemma3_text", 26, 1152, 6912, 4, 1, 256, 262_144, 32_768, true)]
    [InlineData("google--gemma-3-4b-pt", "gemma3_text", 34, 2560, 10_240, 8, 4, 256, 262_208, 131_072, true)]
    [InlineData("google--gemma-3-4b-it", "gemma3_text", 34, 2560, 10_240, 8, 4, 256, 262_208, 131_072, true)]
    [InlineData("meta-llama--Llama-3.2-1B", "llama", 16, 2048, 8192, 32, 8, 64, 128_256, 131_072, true)]
    [InlineData("openai-community--gpt2", "gpt2", 12, 768, 3072, 12, 12, 64, 50_257, 1024, true)]
    [InlineData("EleutherAI--pythia-70m", "gpt_neox", 6, 512, 2048, 8, 8, 64, 50_304, 2048, false)]
    [InlineData("EleutherAI--pythia-410m", "gpt_neox", 24, 1024, 4096, 16, 16, 64, 50_304, 2048, false)]
    [InlineData("mistralai--Mistral-7B-v0.1", "mistral", 32, 4096, 14_336, 32, 8, 128, 32_000, 32_768, false)]
    [InlineData("allenai--OLMo-2-0425-1B", "olmo2", 16, 2048, 8192, 16, 16, 128, 100_352, 4096, false)]
    public void Sizes_are_those_of_the_model(string name, string family, int layers, int width, int mlpWidth, int heads, int keyValueHeads, int headWidth, int vocabulary, int context, bool tied)
    {
        ModelSpecification model = PublishedConfigurations.Load(name);

        model.Family.ShouldBe(family);
        model.Layers.Count.ShouldBe(layers);
        model.ModelWidth.ShouldBe(width);
        model.Mlp.Width.ShouldBe(mlpWidth);
        model.Attention.Heads.ShouldBe(heads);
        model.Attention.KeyValueHeads.ShouldBe(keyValueHeads);
        model.Attention.HeadWidth.ShouldBe(headWidth);
        model.VocabularySize.ShouldBe(vocabulary);
        model.ContextLength.ShouldBe(context);
        model.TiedUnembedding.ShouldBe(tied);
    }

    [Theory]
    [InlineData("Qwen--Qwen3-0.6B", 64, 1, 1.2409378e-6)]
    [InlineData("Qwen--Qwen2.5-0.5B", 32, 1, 1.5399265e-6)]
    [InlineData("google--gemma-2-2b", 128, 1, 1.0746078e-4)]
    [InlineData("meta-llama--Llama-3.2-1B", 32, 1, 9.4183065e-8)]
    [InlineData("EleutherAI--pythia-70m", 8, 1, 3.162278e-4)]
    [InlineData("EleutherAI--pythia-410m", 8, 1, 3.162278e-4)]
    [InlineData("mistralai--Mistral-7B-v0.1", 64, 1, 1.1547819e-4)]
    [InlineData("allenai--OLMo-2-0425-1B", 64, 1, 2.4551407e-6)]
    public void All_layers_rotate_by_the_same_frequencies(string name, int count, double first, double last)
    {
        foreach (LayerSpecification layer in PublishedConfigurations.Load(name).Layers)
        {
            layer.Rotary!.Magnitude.ShouldBe(1);
            CheckFrequencies(layer.Rotary.InverseFrequencies, count, first, last);
        }
    }

    [Theory]
    [InlineData("google--gemma-3-270m", 1, 1.1139739e-6)]
    [InlineData("google--gemma-3-1b-pt", 1, 1.1139739e-6)]
    [InlineData("google--gemma-3-4b-it", 0.125, 1.3924674e-7)]
    public void Gemma_3_rotates_faster_in_sliding_layers_and_stretches_only_the_others(string name, double first, double last)
    {
        IReadOnlyList<LayerSpecification> layers = PublishedConfigurations.Load(name).Layers;
        for (int layer = 0; layer < layers.Count; layer++)
        {
            if ((layer + 1) % 6 == 0) CheckFrequencies(layers[layer].Rotary!.InverseFrequencies, 128, first, last);
            else CheckFrequencies(layers[layer].Rotary!.InverseFrequencies, 128, 1, 1.0746078e-4);
        }
    }

    [Fact]
    public void Llama_3_2_keeps_short_wavelengths_stretches_long_ones_and_blends_between()
    {
        float[] frequencies = PublishedConfigurations.Load("meta-llama--Llama-3.2-1B").Layers[0].Rotary!.InverseFrequencies;
        double[] expected = [0.00483942124992609, 0.0032114461064338684, 0.0012905480279647187, 0.00042955669189436585, 9.708286858481353e-05]; // 13 to 17
        for (int i = 0; i < expected.Length; i++) ((double)frequencies[13 + i]).ShouldBe(expected[i], expected[i] * 1e-6);
    }

    [Theory]
    [InlineData("google--gemma-2-2b", 4096, 2)]
    [InlineData("google--gemma-2-9b", 4096, 2)]
    [InlineData("google--gemma-3-270m", 512, 6)]
    [InlineData("google--gemma-3-1b-it", 512, 6)]
    [InlineData("google--gemma-3-4b-pt", 1024, 6)]
    public void Every_layer_slides_but_each_nth(string name, int window, int nth)
    {
        int?[] windows = [.. PublishedConfigurations.Load(name).Layers.Select(layer => layer.Window)];
        windows.ShouldBe(Enumerable.Range(1, windows.Length).Select(layer => layer % nth == 0 ? (int?)null : window));
    }

    [Fact]
    public void Every_layer_of_Mistral_7B_slides() =>
        PublishedConfigurations.Load("mistralai--Mistral-7B-v0.1").Layers.ShouldAllBe(layer => layer.Window == 4096);

    [Theory]
    [InlineData("Qwen--Qwen3-8B")]
    [InlineData("Qwen--Qwen2.5-0.5B")] // it has a window, but does not use it
    [InlineData("meta-llama--Llama-3.2-1B")]
    [InlineData("openai-community--gpt2")]
    [InlineData("EleutherAI--pythia-70m")]
    [InlineData("allenai--OLMo-2-0425-1B")]
    public void No_layer_of_the_others_slides(string name) => PublishedConfigurations.Load(name).Layers.ShouldAllBe(layer => layer.Window == null);

    [Theory]
    [InlineData("Qwen--Qwen3-0.6B", NormKind.RootMeanSquare, 1e-6f, NormPlacement.Before, false, QueryKeyNorm.PerHead)]
    [InlineData("Qwen--Qwen2.5-0.5B", NormKind.RootMeanSquare, 1e-6f, NormPlacement.Before, false, QueryKeyNorm.None)]
    [InlineData("google--gemma-2-2b", NormKind.RootMeanSquare, 1e-6f, NormPlacement.BeforeAndAfter, true, QueryKeyNorm.None)]
    [InlineData("google--gemma-3-4b-it", NormKind.RootMeanSquare, 1e-6f, NormPlacement.BeforeAndAfter, true, QueryKeyNorm.PerHead)]
    [InlineData("meta-llama--Llama-3.2-1B", NormKind.RootMeanSquare, 1e-5f, NormPlacement.Before, false, QueryKeyNorm.None)]
    [InlineData("mistralai--Mistral-7B-v0.1", NormKind.RootMeanSquare, 1e-5f, NormPlacement.Before, false, QueryKeyNorm.None)]
    [InlineData("openai-community--gpt2", NormKind.Layer, 1e-5f, NormPlacement.Before, false, QueryKeyNorm.None)]
    [InlineData("EleutherAI--pythia-70m", NormKind.Layer, 1e-5f, NormPlacement.Before, false, QueryKeyNorm.None)]
    [InlineData("allenai--OLMo-2-0425-1B", NormKind.RootMeanSquare, 1e-6f, NormPlacement.After, false, QueryKeyNorm.AllHeads)]
    public void Norms_are_those_of_the_family(string name, NormKind kind, float epsilon, NormPlacement placement, bool unitOffset, QueryKeyNorm queryKey)
    {
        ModelSpecification model = PublishedConfigurations.Load(name);
        model.Norm.ShouldBe(new NormSpecification(kind, epsilon, placement, unitOffset));
        model.Attention.QueryKeyNorm.ShouldBe(queryKey);
    }

    [Theory]
    [InlineData("Qwen--Qwen3-0.6B", 128, null, null, 1)]
    [InlineData("Qwen--Qwen2.5-0.5B", 64, null, null, 1)]
    [InlineData("google--gemma-2-2b", 256, 50f, 30f, 2304)]
    [InlineData("google--gemma-2-9b", 224, 50f, 30f, 3584)]
    [InlineData("google--gemma-3-270m", 256, null, null, 640)]
    [InlineData("google--gemma-3-4b-it", 256, null, null, 2560)]
    [InlineData("meta-llama--Llama-3.2-1B", 64, null, null, 1)]
    [InlineData("openai-community--gpt2", 64, null, null, 1)]
    [InlineData("EleutherAI--pythia-70m", 64, null, null, 1)]
    public void Scales_and_soft_caps_are_those_of_the_model(string name, int inverseSquareOfAttention, float? attentionCap, float? logitCap, int squareOfEmbedding)
    {
        ModelSpecification model = PublishedConfigurations.Load(name);
        model.Attention.Scale.ShouldBe(1 / MathF.Sqrt(inverseSquareOfAttention));
        model.Attention.SoftCap.ShouldBe(attentionCap);
        model.LogitSoftCap.ShouldBe(logitCap);
        model.EmbeddingScale.ShouldBe(MathF.Sqrt(squareOfEmbedding));
    }

    [Theory]
    [InlineData("Qwen--Qwen3-0.6B", Activation.Silu, true, false, false, false)]
    [InlineData("Qwen--Qwen2.5-0.5B", Activation.Silu, true, true, false, false)]
    [InlineData("google--gemma-2-2b", Activation.GeluTanh, true, false, false, false)]
    [InlineData("google--gemma-3-4b-it", Activation.GeluTanh, true, false, false, false)]
    [InlineData("meta-llama--Llama-3.2-1B", Activation.Silu, true, false, false, false)]
    [InlineData("mistralai--Mistral-7B-v0.1", Activation.Silu, true, false, false, false)]
    [InlineData("openai-community--gpt2", Activation.GeluTanh, false, true, true, true)]
    [InlineData("EleutherAI--pythia-70m", Activation.Gelu, false, true, true, true)]
    [InlineData("allenai--OLMo-2-0425-1B", Activation.Silu, true, false, false, false)]
    public void MLPs_and_biases_are_those_of_the_family(string name, Activation activation, bool gated, bool queryKeyValueBias, bool outputBias, bool mlpBias)
    {
        ModelSpecification model = PublishedConfigurations.Load(name);
        model.Mlp.Activation.ShouldBe(activation);
        model.Mlp.Gated.ShouldBe(gated);
        model.Attention.QueryKeyValueBias.ShouldBe(queryKeyValueBias);
        model.Attention.OutputBias.ShouldBe(outputBias);
        model.Mlp.Bias.ShouldBe(mlpBias);
    }

    [Theory]
    [InlineData("Qwen--Qwen3-0.6B", 151_643, new[] { 151_645 }, null)]
    [InlineData("google--gemma-2-2b", 2, new[] { 1 }, 0)]
    [InlineData("google--gemma-3-4b-it", 2, new[] { 1, 106 }, 0)] // two of the three are the family's defaults
    [InlineData("google--gemma-3-4b-pt", 2, new[] { 1 }, 0)]
    [InlineData("openai-community--gpt2", 50_256, new[] { 50_256 }, null)]
    [InlineData("allenai--OLMo-2-0425-1B", null, new[] { 100_257 }, 100_277)]
    public void Special_tokens_are_those_of_the_model(string name, int? beginning, int[] ends, int? padding)
    {
        ModelSpecification model = PublishedConfigurations.Load(name);
        model.BeginningOfText.ShouldBe(beginning);
        model.EndOfText.ShouldBe(ends);
        model.Padding.ShouldBe(padding);
    }

    [Fact]
    public void GPT2_and_Pythia_differ_from_the_others_where_they_do()
    {
        ModelSpecification gpt2 = PublishedConfigurations.Load("openai-community--gpt2"), pythia = PublishedConfigurations.Load("EleutherAI--pythia-70m");
        gpt2.LearnedPositions.ShouldBeTrue();
        gpt2.Layers.ShouldAllBe(layer => layer.Rotary == null && layer.ScaleDivisor == 1);
        pythia.ParallelResidual.ShouldBeTrue();
        pythia.LearnedPositions.ShouldBeFalse();
    }

    [Fact]
    public void The_quantised_gpt_oss_is_refused() =>
        Should.Throw<InvalidDataException>(() => PublishedConfigurations.Load("openai--gpt-oss-20b")).Message.ShouldContain("the weights are quantised (quantization_config)");

    [Fact]
    public void Gpt_oss_without_quantisation_is_what_it_is()
    {
        ModelSpecification model = PublishedConfigurations.Parse(PublishedConfigurations.Read("openai--gpt-oss-20b").Without("quantization_config"));

        (model.Layers.Count, model.ModelWidth, model.VocabularySize, model.ContextLength).ShouldBe((24, 2880, 201_088, 131_072));
        (model.Attention.Heads, model.Attention.KeyValueHeads, model.Attention.HeadWidth, model.Attention.Sinks).ShouldBe((64, 8, 64, true));
        (model.Attention.QueryKeyValueBias, model.Attention.OutputBias, model.Mlp.Bias).ShouldBe((true, true, true));
        model.Mlp.Experts.ShouldBe(new ExpertSpecification(32, 4, 7, 1.702f));
        model.Layers.Select(layer => layer.Window).ShouldBe(Enumerable.Range(0, 24).Select(layer => layer % 2 == 0 ? (int?)128 : null));
        model.Layers[0].Rotary!.Magnitude.ShouldBe(1.3465736f);
        float[] frequencies = model.Layers[0].Rotary!.InverseFrequencies;
        CheckFrequencies(frequencies, 32, 1, 3.023511396804679e-7);
        ((double)frequencies[12]).ShouldBe(0.006794959285941892, 1e-8);
    }

    private static void CheckFrequencies(float[] frequencies, int count, double first, double last)
    {
        frequencies.Length.ShouldBe(count);
        ((double)frequencies[0]).ShouldBe(first, first * 1e-6);
        ((double)frequencies[^1]).ShouldBe(last, last * 1e-6);
    }
}
