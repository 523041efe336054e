/** The rooms of one service: its folders, the files at its top, and the imports between them. */
import { posix } from 'node:path';
import { importsOf } from './imports.ts';
import { isTest, type Source } from './sources.ts';

/** How many source files, tests not counted, each folder below `top` has. */
export function filesPerFolder(sources: readonly Source[], top: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const source of sources) {
    if (!source.path.startsWith(`${top}/`) || isTest(source)) continue;
    const folder = posix.dirname(source.path);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return counts;
}

/** `room → room, room` for each room below `top` that imports others, in the order of their names. */
export function arrowsOf(sources: readonly Source[], top: string): string[] {
  const arrows = new Map<string, Set<string>>();
  for (const source of sources) {
    if (!source.path.startsWith(`${top}/`) || isTest(source)) continue;
    const from = roomOf(source.path, top);
    for (const specifier of importsOf(source)) {
      if (!specifier.startsWith('.')) continue;
      const to = roomOf(posix.join(posix.dirname(source.path), specifier), top);
      if (to === from) continue;
      arrows.set(from, (arrows.get(from) ?? new Set()).add(to));
    }
  }
  return [...arrows].map(([from, to]) => `${from} → ${[...to].sort().join(', ')}`).sort();
}

/** The lines of the fenced block under this heading, each `room → room, room`, without their alignment. */
export function drawnUnder(page: string, heading: string): string[] {
  const section = page.split(new RegExp(`^#+ ${heading}$`, 'm'))[1] ?? '';
  const block = /^```\n([\s\S]*?)^```/m.exec(section)?.[1] ?? '';
  return block
    .split('\n')
    .filter((line) => line.includes('→'))
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .sort();
}

/** The folder below `top`; a transport is a room of its own, and a file at the top is one by its name. */
function roomOf(path: string, top: string): string {
  const [first = '', second = '', third] = path.slice(top.length + 1).split('/');
  if (second === '') return first.replace(/\.ts$/, '');
  return third === undefined ? first : `${first}/${second}`;
}
