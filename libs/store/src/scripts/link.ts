import { readFileSync } from 'node:fs';
import type { Argument, Arguments } from './arguments.ts';
import { CONSTANTS } from './constants.ts';

const LUA = new URL('../lua/', import.meta.url);
/** The files of `lua/library`. A function may use those of earlier files, and those above it. */
const LIBRARY = ['numbers', 'clock', 'epoch', 'routes', 'drones', 'backends', 'tokens'];

/** One library function, with the comment above it. */
interface Chunk {
  readonly name: string;
  readonly text: string;
}

let chunks: readonly Chunk[] | undefined;

/**
 * Puts a script together: the constants and library functions that it names, directly or through others, then its
 * arguments as local variables, then its own text. A script pays for nothing that it does not use.
 */
export function linkScript(name: string, args: Arguments, guarded: boolean): string {
  const own = (guarded ? [read('guard.lua'), read(`${name}.lua`)] : [read(`${name}.lua`)]).join('\n');
  chunks ??= readLibrary();
  const library = usedChunks(own, chunks);
  const body = [...library.map(({ text }) => text), own].join('\n');
  return [
    `-- ${name}.lua`,
    ...constantsOf(body),
    ...library.map(({ text }) => text),
    argumentLines(args),
    own,
  ].join('\n');
}

function read(file: string): string {
  return readFileSync(new URL(file, LUA), 'utf8').trimEnd();
}

function readLibrary(): Chunk[] {
  return LIBRARY.flatMap((file) =>
    read(`library/${file}.lua`)
      .split(/\n\n(?=--|local )/)
      .map((text) => ({ name: /^local function (\w+)/m.exec(text)?.[1] ?? '', text })),
  );
}

function usedChunks(own: string, library: readonly Chunk[]): Chunk[] {
  const used: Chunk[] = [];
  let texts = code(own);
  for (const chunk of library.toReversed()) {
    if (!names(texts, chunk.name)) continue;
    used.unshift(chunk);
    texts += code(chunk.text);
  }
  return used;
}

/** The constants that a text names, those first that others are made of. */
function constantsOf(body: string): string[] {
  const used: string[] = [];
  let texts = code(body);
  for (const [constant, lua] of CONSTANTS.toReversed()) {
    if (!names(texts, constant)) continue;
    const line = `local ${constant} = ${lua()}`;
    used.unshift(line);
    texts += `\n${line}`;
  }
  return used;
}

const code = (lua: string) => lua.replaceAll(/--.*$/gm, '');
const names = (lua: string, name: string) => new RegExp(`\\b${name}\\b`).test(lua);

/** One local variable for each argument, in Lua's spelling: retentionMs is retention_ms. */
function argumentLines(args: Arguments): string {
  return Object.entries<Argument<never>>(args)
    .map(([name, { lua }], index) => `local ${snakeCase(name)} = ${lua(`ARGV[${index + 1}]`)}`)
    .join('\n');
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
