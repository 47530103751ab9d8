using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Microtome.Circuits.Tests")]
[assembly: InternalsVisibleTo("Microtome.Parity")]
[assembly: InternalsVisibleTo("Microtome.Bench")]
