// Tokens of texts by the TextMate grammar: reads {grammar, texts} as JSON, prints for each text its lines' tokens.
"use strict";

const fs = require("node:fs");
const { createRequire } = require("node:module");

const load = createRequire(process.argv[2] + "/");
const oniguruma = load("vscode-oniguruma");
const textmate = load("vscode-textmate");

async function main() {
  const { grammar, texts } = JSON.parse(fs.readFileSync(0, "utf-8"));
  const wasm = fs.readFileSync(load.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(JSON.stringify(grammar), "okt.json"),
  });
  const loaded = await registry.loadGrammar(grammar.scopeName);
  const told = texts.map((text) => {
    let state = textmate.INITIAL;
    return text.split("\n").map((line) => {
      const result = loaded.tokenizeLine(line, state);
      state = result.ruleStack;
      return result.tokens.map((token) => [
        line.slice(token.startIndex, token.endIndex),
        token.scopes.slice(1).join(" "),
      ]);
    });
  });
  process.stdout.write(JSON.stringify(told));
}

main();
