// Says where @huggingface/jinja renders something else than expected.json holds. In an empty folder:
//   npm install @huggingface/jinja && node references.mjs PATH-TO-THE-FOLDER-OF-THE-TEMPLATES
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";

const folder = process.argv[2];
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length ? given : [2026, 2, 9, 14, 5, 6]));
  }
};
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const { snippets, ...expected } = read("expected.json");
let same = 0;
for (const [file, texts] of Object.entries(expected)) {
  const template = new Template(readFileSync(join(folder, file), "utf8"));
  for (const one of read("cases.json")) {
    let text = null;
    try {
      text = template.render({ bos_token: "<bos>", eos_token: "<eos>", messages: one.messages, tools: one.tools ?? null, documents: null, add_generation_prompt: one.add_generation_prompt ?? false, ...one.variables });
    } catch {
      // refused
    }
    if (text === texts[one.name]) same++;
    else console.log(`${file}, ${one.name}: ${text === null ? "refused" : "rendered differently"}`);
  }
}
console.log(`${same} the same`);
