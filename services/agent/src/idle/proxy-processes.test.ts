import type { ProcessIdentity } from '@spawner/service';
import type { Fate } from './process-status.ts';
import { ProxyProcesses } from './proxy-processes.ts';

const process = (pid: number): ProcessIdentity => ({
  ...{ bootId: 'b', pidNamespace: 1, timeNamespace: 1 },
  ...{ pid, startTicks: pid },
});

function scene() {
  const world = { now: 100, fates: {} as Record<number, Fate>, looks: 0 };
  const proxies = new ProxyProcesses({ now: () => world.now }, ({ pid }) => {
    world.looks += 1;
    return world.fates[pid] ?? 'alive';
  });
  return { world, proxies };
}

describe('the processes of proxies', () => {
  it('are dead by the look that found them so, not by a later one', () => {
    const { world, proxies } = scene();
    proxies.heard('p', 1, process(7));
    proxies.look();
    world.now = 300;
    world.fates[7] = 'dead';
    proxies.look();
    world.now = 900;
    proxies.look();
    expect(proxies.deadBy('p', 1)).toBe(300);
  });

  it('are looked at when somebody asks', () => {
    const { world, proxies } = scene();
    proxies.heard('p', 1, process(7));
    expect(proxies.deadBy('p', 1)).toBeUndefined();
    world.fates[7] = 'dead';
    world.now = 150;
    expect(proxies.deadBy('p', 1)).toBe(150);
  });

  it('are dead by the first word of them where they were so by then', () => {
    const { world, proxies } = scene();
    world.fates[7] = 'dead';
    proxies.heard('p', 1, process(7));
    world.now = 5_000;
    proxies.heard('p', 1, process(7));
    expect(proxies.deadBy('p', 1)).toBe(100);
  });

  it('belong to one registration of one proxy', () => {
    const { world, proxies } = scene();
    proxies.heard('p', 1, process(7));
    proxies.heard('p', 2, process(8));
    proxies.heard('q', 1, process(9));
    world.fates[7] = 'dead';
    expect([proxies.deadBy('p', 1), proxies.deadBy('p', 2), proxies.deadBy('q', 1)]).toEqual([
      100,
      undefined,
      undefined,
    ]);
  });

  it('are not known where they cannot be seen or do not say who they are', () => {
    const { world, proxies } = scene();
    world.fates[7] = 'unknown';
    proxies.heard('p', 1, process(7));
    proxies.heard('q', 1, undefined);
    world.fates[7] = 'dead';
    expect([proxies.size, proxies.deadBy('p', 1), proxies.deadBy('q', 1)]).toEqual([0, undefined, undefined]);
  });

  it('are not looked at again once they are dead, and of very many the oldest are forgotten', () => {
    const { world, proxies } = scene();
    for (let pid = 1; pid <= 1_000; pid += 1) {
      world.fates[pid] = 'dead';
      proxies.heard('p', pid, process(pid));
    }
    expect([proxies.size, proxies.deadBy('p', 1), proxies.deadBy('p', 1_000)]).toEqual([200, undefined, 100]);
    const { looks } = world;
    proxies.look();
    expect(world.looks).toBe(looks);
  });
});
