// Documents of this server's, as others read them: a validator of OpenAPI 2.0 and a generator of clients, whose code has to
// compile. The documents are JSON files in the folder that is given.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { argv, exit } from "node:process";
import SwaggerParser from "@apidevtools/swagger-parser";
import { generateApi } from "swagger-typescript-api";
import ts from "typescript";

const [, , folder] = argv;
const options = {
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  module: ts.ModuleKind.ESNext,
  noEmit: true,
  skipLibCheck: true,
  strict: true,
  target: ts.ScriptTarget.ES2022,
  types: [],
};

const failures = [];
const sources = new Map();
const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
if (files.length === 0) failures.push("there are no documents");
for (const file of files) {
  const spec = JSON.parse(readFileSync(join(folder, file), "utf8"));
  try {
    await SwaggerParser.validate(structuredClone(spec));
    const made = await generateApi({ spec: structuredClone(spec), output: false, silent: true });
    const calls = Object.values(spec.paths).flatMap((path) => Object.keys(path).filter((name) => name !== "parameters"));
    const code = made.files.map((part) => part.fileContent).join("\n");
    const written = code.split("this.request<").length + code.split("http.request<").length - 2;
    if (written < calls.length) failures.push(`${file}: ${written} of ${calls.length} calls were generated`);
    sources.set(`/${file}.ts`, code);
  } catch (error) {
    failures.push(`${file}: ${error.message}`);
  }
}

// One program reads the libraries of the language once.
const host = ts.createCompilerHost(options);
const { fileExists, getSourceFile } = host;
host.fileExists = (name) => sources.has(name) || fileExists(name);
host.getSourceFile = (name, version) =>
  sources.has(name) ? ts.createSourceFile(name, sources.get(name), version) : getSourceFile(name, version);
const program = ts.createProgram([...sources.keys()], options, host);
for (const mistake of ts.getPreEmitDiagnostics(program)) {
  const text = ts.flattenDiagnosticMessageText(mistake.messageText, "\n");
  const line = mistake.file?.getLineAndCharacterOfPosition(mistake.start ?? 0).line ?? 0;
  failures.push(`${mistake.file?.fileName}:${line + 1}: ${text}`);
}

for (const failure of failures.slice(0, 50)) console.error(failure);
console.log(`${sources.size} documents`);
exit(failures.length === 0 ? 0 : 1);
