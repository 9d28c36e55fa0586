// Runs a GGUF file in llama.cpp. Reads one JSON line {model, texts, ids, greedy} and answers with
// {tokens: [[id]], probabilities: [[p]], greedy: [id]}: the tokens of texts, the distribution behind each of
// `ids`, and `greedy` tokens after them. node-llama-cpp, prebuilt; no GPU.
import {createInterface} from "node:readline";
import {getLlama} from "node-llama-cpp";

const llama = await getLlama({build: "never", gpu: false, logLevel: "error"});
for await (const line of createInterface({input: process.stdin})) {
    const {model: path, texts, ids, greedy} = JSON.parse(line);
    let answer;
    try {
        const model = await llama.loadModel({modelPath: path, useMmap: false});
        const context = await model.createContext({
            contextSize: ids.length + greedy + 8, sequences: 1, threads: 1, flashAttention: false,
        });
        const sequence = context.getSequence();
        const given = await sequence.controlledEvaluate(
            ids.map((id) => [id, {generateNext: {probabilities: true}}])
        );
        const size = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
        const probabilities = given.map(({next}) => {
            const found = new Array(size).fill(0);
            for (const [id, p] of next.probabilities) found[id] = p;
            return found;
        });
        const following = [];
        let last = probabilities.at(-1);
        for (let count = 0; count < greedy; count++) {
            const best = last.indexOf(Math.max(...last));
            following.push(best);
            const [{next}] = await sequence.controlledEvaluate([[best, {generateNext: {probabilities: true}}]]);
            last = new Array(size).fill(0);
            for (const [id, p] of next.probabilities) last[id] = p;
        }
        answer = {
            tokens: texts.map((text) => [...model.tokenize(text, true)]), probabilities, greedy: following,
        };
        await context.dispose();
        await model.dispose();
    } catch (error) {
        answer = {error: String(error.stack)};
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
}
process.exit(0);
