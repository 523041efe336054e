import { readFileSync } from 'node:fs';
import type { Arguments } from './arguments.ts';
import { CONSTANTS } from './constants.ts';

const LUA = new URL('../lua/', import.meta.url);
/** The files of `lua/library`. A function may use those of earlier files, and those above it. */
const LIBRARY = ['numbers', 'clock', 'epoch', 'routes', 'drones', 'backends', 'tokens'];

/** A constant or a library function, with the comment above it. */
interface Definition {
  readonly name: string;
  readonly text: () => string;
}

let definitions: readonly Definition[] | undefined;

/**
 * Puts a script together: the constants and library functions that it names, directly or through others, then its
 * arguments as local variables, then its own text. A script pays for nothing that it does not use.
 */
export function linkScript(name: string, args: Arguments, guarded: boolean): string {
  const own = (guarded ? [read('guard.lua'), read(`${name}.lua`)] : [read(`${name}.lua`)]).join('\n');
  definitions ??= [...CONSTANTS.map(constantOf), ...LIBRARY.flatMap(functionsOf)];
  return [`-- ${name}.lua`, ...usedBy(own, definitions), argumentLines(args), own].join('\n');
}

function read(file: string): string {
  return readFileSync(new URL(file, LUA), 'utf8').trimEnd();
}

function constantOf([name, lua]: (typeof CONSTANTS)[number]): Definition {
  return { name, text: () => `local ${name} = ${lua()}` };
}

function functionsOf(file: string): Definition[] {
  return read(`library/${file}.lua`)
    .split(/\n\n(?=--|local )/)
    .map((text) => ({ name: /^local function (\w+)/m.exec(text)?.[1] ?? '', text: () => text }));
}

/** The texts of the definitions that a script names, those first that others use. */
function usedBy(own: string, available: readonly Definition[]): string[] {
  const used: string[] = [];
  let code = own;
  for (const { name, text } of available.toReversed()) {
    if (!new RegExp(`\\b${name}\\b`).test(code.replaceAll(/--.*$/gm, ''))) continue;
    used.unshift(text());
    code += `\n${used[0]}`;
  }
  return used;
}

/** One local variable for each argument, in Lua's spelling: retentionMs is retention_ms. */
function argumentLines(args: Arguments): string {
  return Object.entries(args)
    .map(([name, { lua }], index) => `local ${snakeCase(name)} = ${lua(`ARGV[${index + 1}]`)}`)
    .join('\n');
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
