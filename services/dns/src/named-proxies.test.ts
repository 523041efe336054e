import { DEADLINES } from '@spawner/domain';
import { Node } from '@spawner/proto/internal/node';
import { NamedProxies } from './named-proxies.ts';

const proxy = (id: string, more: Partial<Node> = {}) => Node.fromPartial({ id, ...more });
const [a, b] = [proxy('a'), proxy('b')];
const lapsed = (node: Node) => ({ ...node, lapsed: true });

/** The names after each of these lists, a second apart. */
function after(...lists: Node[][]): string[][] {
  const proxies = new NamedProxies();
  return lists.map((list, second) => {
    proxies.take(list, second * 1_000);
    return proxies.all.map(({ id }) => id);
  });
}

describe('NamedProxies', () => {
  it('are the proxies whose registration has not lapsed', () => {
    expect(after([a, b], [a, lapsed(b)], [a], [a, b])).toEqual([['a', 'b'], ['a'], ['a'], ['a', 'b']]);
  });

  it('include proxies that the list lost without a lapse', () => {
    expect(after([a, b], [], [b], [b, a])).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['b', 'a'],
      ['b', 'a'],
    ]);
  });

  it('are as in the newest list', () => {
    const moved = proxy('a', { publicAddresses: ['192.0.2.9'] });
    const proxies = new NamedProxies();
    for (const [at, list] of [[a], [], [moved], [lapsed(moved)]].entries()) {
      expect(proxies.take(list, at)).toBe(true);
      expect(proxies.take(list, at)).toBe(false);
      if (at === 2) expect(proxies.all).toEqual([moved]);
    }
    expect(proxies.all).toEqual([]);
  });

  it('drop lost proxies that do not come back', () => {
    const proxies = new NamedProxies();
    proxies.take([a, b], 0);
    const list = [b];
    proxies.take(list, 1_000);
    expect(proxies.take(list, 999 + DEADLINES.refill)).toBe(false);
    expect(proxies.all).toEqual([b, a]);
    expect(proxies.take(list, 1_000 + DEADLINES.refill)).toBe(true);
    expect(proxies.all).toEqual([b]);
  });
});
