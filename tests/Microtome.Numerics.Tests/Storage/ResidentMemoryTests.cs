using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Storage;

[Collection(nameof(ResidentMemoryTests))]
[CollectionDefinition(nameof(ResidentMemoryTests), DisableParallelization = true)] // others would allocate while it measures
public sealed unsafe class ResidentMemoryTests
{
    [Fact]
    public void Pages_of_mapped_files_are_given_back_beyond_the_bound_and_read_again_when_needed()
    {
        if (!OperatingSystem.IsLinux()) return; // other systems take pages back by themselves
        const int Size = 96 << 20;
        string path = Path.GetTempFileName();
        try
        {
            byte[] content = new byte[Size];
            new Random(1).NextBytes(content);
            File.WriteAllBytes(path, content);
            using MappedFile file = new(path);
            long before = ResidentMemory.Current;
            long sum = Sum(file);
            (ResidentMemory.Current - before).ShouldBeGreaterThan(Size * 3L / 4);

            ResidentMemory.Limit = 1;
            ResidentMemory.Trim();
            (ResidentMemory.Current - before).ShouldBeLessThan(Size / 4);
            Sum(file).ShouldBe(sum);
        }
        finally
        {
            ResidentMemory.Limit = null;
            File.Delete(path);
        }
    }

    private static long Sum(MappedFile file)
    {
        long sum = 0;
        for (long i = 0; i < file.Length; i += 512) sum += file.Data[i];
        return sum;
    }
}
