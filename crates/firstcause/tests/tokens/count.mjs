// Counts the tokens of each text of a JSON list on standard input, by the byte-pair vocabularies of two generations.
import { readFileSync } from "node:fs";
import { encode as newer } from "gpt-tokenizer/encoding/o200k_base";
import { encode as older } from "gpt-tokenizer/encoding/cl100k_base";

const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => [newer(text).length, older(text).length])));
