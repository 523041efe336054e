import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { arrowsOf, drawnUnder, filesPerFolder } from './rooms.ts';
import { root, sources } from './sources.ts';

const MOST_FILES = 14;
const MOST_AT_TOP = 6;
/** Half of the arrows that there were between the proxy's files and folders before they were sorted into rooms. */
const FEWER_ARROWS_THAN = 137 / 2;

const tree = sources();
const proxy = 'services/proxy/src';

describe('folders', () => {
  it.each([proxy, 'services/agent/src'])(`of %s have at most ${MOST_FILES} source files`, (top) => {
    const full = [...filesPerFolder(tree, top)].filter(([, count]) => count > MOST_FILES);
    expect(full).toEqual([]);
  });

  it(`the proxy has at most ${MOST_AT_TOP} source files outside of them`, () => {
    expect(filesPerFolder(tree, proxy).get(proxy)).toBeLessThanOrEqual(MOST_AT_TOP);
  });
});

describe("the picture of the proxy's rooms in ARCHITECTURE.md", () => {
  const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');

  it('shows the imports that there are', () => {
    expect(drawnUnder(page, "The proxy's rooms")).toEqual(arrowsOf(tree, proxy));
  });

  it('has fewer than half of the arrows that there were', () => {
    const arrows = arrowsOf(tree, proxy).flatMap((line) => line.split(','));
    expect(arrows.length).toBeLessThan(FEWER_ARROWS_THAN);
  });
});
