import type { Payload } from './payload.ts';
import type { Trial } from './trials.ts';
import { inWords } from './verdict.ts';

export interface Column {
  name: string;
  trials: ReadonlyMap<Payload, Trial>;
}

/** The outcome of every payload at every proxy, as lines of text. */
export function tableOf(
  groups: Readonly<Record<string, readonly Payload[]>>,
  columns: readonly Column[],
): string {
  const payloads = Object.values(groups).flat();
  const width = Math.max(...payloads.map(({ name }) => name.length)) + 2;
  const row = (first: string, right: string, cells: string[]) =>
    `${first.padEnd(width)}${right.padEnd(9)}${cells
      .map((cell) => cell.padEnd(14))
      .join('')
      .trimEnd()}\n`;
  const head = row(
    '',
    'right',
    columns.map(({ name }) => name),
  );
  const bodies = Object.entries(groups).map(
    ([group, some]) =>
      `${group}\n${some
        .map((payload) =>
          row(
            `  ${payload.name}`,
            payload.right,
            columns.map(({ trials }) => cell(trials.get(payload))),
          ),
        )
        .join('')}`,
  );
  return (
    head +
    bodies.join('') +
    row(
      'wrong',
      '',
      columns.map(({ trials }) => String(wrongs(trials))),
    )
  );
}

function cell(trial: Trial | undefined): string {
  if (!trial) return '-';
  return inWords(trial);
}

function wrongs(trials: ReadonlyMap<Payload, Trial>): number {
  return [...trials.values()].filter(({ outcome }) => outcome === 'wrong').length;
}
