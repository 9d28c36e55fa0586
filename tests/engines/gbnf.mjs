// Judges texts by llama.cpp's grammar engine. Reads one JSON line {grammar, texts} at a time and answers
// with {accepted: [bool]} or {error: text}. Loads no model.
import {createInterface} from "node:readline";
import {getLlama, LlamaGrammar} from "node-llama-cpp";

const llama = await getLlama({build: "never", gpu: false, logLevel: "disabled"});
for await (const line of createInterface({input: process.stdin})) {
    const {grammar, texts} = JSON.parse(line);
    let answer;
    try {
        const compiled = new LlamaGrammar(llama, {grammar});
        answer = {accepted: texts.map((text) => compiled._testText(text))};
    } catch (error) {
        answer = {error: String(error.message)};
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
}
process.exit(0);
