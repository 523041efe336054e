import { DEADLINES } from '@spawner/domain';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { proxyList } from './proxies.ts';

const proxy = (id: string, renewalAge = 0) => ({
  node: Node.fromPartial({ kind: NodeKind.PROXY, id }),
  renewalAge,
});

describe('proxyList', () => {
  it('marks a proxy that missed its renewals as lapsed, and drops one that was forgotten', () => {
    const list = proxyList([
      proxy('a'),
      proxy('b', DEADLINES.renewalsMissed + 1),
      proxy('c', DEADLINES.proxyForgotten + 1),
    ]);
    expect(list.proxies.map(({ id, lapsed }) => [id, lapsed])).toEqual([
      ['a', false],
      ['b', true],
    ]);
  });
  it('has the same version for the same list, another for another', () => {
    const versions = [[proxy('a')], [proxy('a', 5)], [proxy('a'), proxy('b')], []].map(
      (known) => proxyList(known).version,
    );
    expect(versions[0]).toBe(versions[1]);
    expect(new Set(versions).size).toBe(3);
    expect(versions).not.toContain(0);
  });
});
