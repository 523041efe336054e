import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from '@spawner/domain';
import { root } from './sources.ts';

/** The rows of the first table: code, gRPC status and HTTP status. */
function rowsOf(page: string): string[] {
  return [...page.matchAll(/^\| ([A-Z_]+) \| (\d+) \| (\d+) \|/gm)].map(([, ...cells]) => cells.join(' '));
}

describe('docs/errors.md', () => {
  it('has a row for each kind of error, with its statuses', () => {
    const rows = rowsOf(readFileSync(join(root, 'docs/errors.md'), 'utf8'));
    const kinds = Object.values(ERROR_CODES).map(({ name, grpc, http }) => `${name} ${grpc} ${http}`);
    expect(rows.sort()).toEqual(kinds.sort());
  });
});
