import type { ProcessIdentity } from '@spawner/service';
import type { ProcessStatus } from './process-status.ts';
import { ProxyProcesses } from './proxy-processes.ts';

const process = (pid: number): ProcessIdentity => ({
  ...{ bootId: 'b', pidNamespace: 1, timeNamespace: 1 },
  ...{ pid, startTicks: pid },
});

function scene() {
  const world = { now: 100, statuses: {} as Record<number, ProcessStatus>, checks: 0 };
  const proxies = new ProxyProcesses({ now: () => world.now }, ({ pid }) => {
    world.checks += 1;
    return world.statuses[pid] ?? 'alive';
  });
  return { world, proxies };
}

describe('the processes of proxies', () => {
  it('are dead by the check that found them dead, not by a later one', () => {
    const { world, proxies } = scene();
    proxies.learn('p', 1, process(7));
    proxies.check();
    world.now = 300;
    world.statuses[7] = 'dead';
    proxies.check();
    world.now = 900;
    proxies.check();
    expect(proxies.deadBy('p', 1)).toBe(300);
  });

  it('are checked when their death is asked for', () => {
    const { world, proxies } = scene();
    proxies.learn('p', 1, process(7));
    expect(proxies.deadBy('p', 1)).toBeUndefined();
    world.statuses[7] = 'dead';
    world.now = 150;
    expect(proxies.deadBy('p', 1)).toBe(150);
  });

  it('are dead by the moment at which they were learnt if they were dead already', () => {
    const { world, proxies } = scene();
    world.statuses[7] = 'dead';
    proxies.learn('p', 1, process(7));
    world.now = 5_000;
    proxies.learn('p', 1, process(7));
    expect(proxies.deadBy('p', 1)).toBe(100);
  });

  it('belong to one registration of one proxy', () => {
    const { world, proxies } = scene();
    proxies.learn('p', 1, process(7));
    proxies.learn('p', 2, process(8));
    proxies.learn('q', 1, process(9));
    world.statuses[7] = 'dead';
    expect([proxies.deadBy('p', 1), proxies.deadBy('p', 2), proxies.deadBy('q', 1)]).toEqual([
      100,
      undefined,
      undefined,
    ]);
  });

  it('are not kept if they cannot be seen or have no identity', () => {
    const { world, proxies } = scene();
    world.statuses[7] = 'unknown';
    proxies.learn('p', 1, process(7));
    proxies.learn('q', 1, undefined);
    world.statuses[7] = 'dead';
    expect([proxies.size, proxies.deadBy('p', 1), proxies.deadBy('q', 1)]).toEqual([0, undefined, undefined]);
  });

  it('are not checked again once they are dead, and the oldest are dropped beyond 200', () => {
    const { world, proxies } = scene();
    for (let pid = 1; pid <= 1_000; pid += 1) {
      world.statuses[pid] = 'dead';
      proxies.learn('p', pid, process(pid));
    }
    expect([proxies.size, proxies.deadBy('p', 1), proxies.deadBy('p', 1_000)]).toEqual([200, undefined, 100]);
    const { checks } = world;
    proxies.check();
    expect(world.checks).toBe(checks);
  });
});
