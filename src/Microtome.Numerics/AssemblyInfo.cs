using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Microtome.Numerics.Tests")]
[assembly: InternalsVisibleTo("Microtome.Bench")]
