import type { Clock } from '@spawner/domain';
import { type TempDir, tempDir, testLog } from '@spawner/testkit';
import { StateDir } from '../state/state-dir.ts';
import type { FoundSandbox, Sandbox, SandboxApi } from './sandbox.ts';
import { SandboxDemand } from './sandbox-demand.ts';
import { SandboxKeeper } from './sandbox-keeper.ts';
import { SandboxPool } from './sandbox-pool.ts';

const MAKE_MS = 400;

/** A runtime whose sandboxes outlive the keepers. */
class FakeRuntime implements SandboxApi {
  readonly holders = new Map<string, FoundSandbox>();
  readonly adopted: string[] = [];
  readonly removed: string[] = [];
  isFull = false;
  /** Called before each call is carried out. It may throw. */
  before: (call: 'make' | 'remove' | 'list', id?: string) => void | Promise<void> = () => {};
  readonly #pass: (ms: number) => void;
  #made = 0;

  constructor(pass: (ms: number) => void) {
    this.#pass = pass;
  }

  async make(): Promise<Sandbox | undefined> {
    await this.before('make');
    this.#pass(MAKE_MS);
    return this.isFull ? undefined : this.holder({});
  }

  holder(more: Partial<FoundSandbox>): FoundSandbox {
    this.#made++;
    const made = {
      id: `h${this.#made}`,
      address: `10.0.0.${this.#made}`,
      usable: true,
      current: true,
      ...more,
    };
    this.holders.set(made.id, made);
    return made;
  }

  change(id: string, more: Partial<FoundSandbox>): void {
    const holder = this.holders.get(id);
    if (holder) this.holders.set(id, { ...holder, ...more });
  }

  async remove({ id }: Sandbox): Promise<void> {
    await this.before('remove', id);
    this.holders.delete(id);
    this.removed.push(id);
  }

  async list(): Promise<FoundSandbox[]> {
    const list = [...this.holders.values()];
    await this.before('list');
    return list;
  }

  adopt({ id }: Sandbox): void {
    this.adopted.push(id);
  }
}

describe('the keeper of sandboxes', () => {
  let now = 0;
  let slept: number[] = [];
  let temp: TempDir;
  let runtime: FakeRuntime;
  const pass = (ms: number) => {
    now += ms;
  };
  const clock: Clock = {
    now: () => now,
    wall: () => new Date(now),
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
    },
  };
  const stop = new AbortController();

  beforeEach(async () => {
    [now, slept] = [0, []];
    temp = await tempDir('sandboxes');
    runtime = new FakeRuntime(pass);
  });
  afterEach(() => temp.stop());

  /** The keeper of an agent. A later one has the same disk. */
  const keeperOf = (resting = 3) =>
    new SandboxKeeper({
      api: runtime,
      pool: new SandboxPool(new StateDir(temp.path)),
      demand: new SandboxDemand(resting),
      share: 0.25,
      clock,
      log: testLog(),
      random: () => 1,
    });
  const turns = async (keeper: SandboxKeeper, count: number, busy = false) => {
    for (let turn = 0; turn < count; turn++) await keeper.turn(() => busy, stop.signal);
  };
  const ids = () => [...runtime.holders.keys()];

  it('makes as many as are wanted, one in each turn, and no more', async () => {
    const keeper = keeperOf();
    await turns(keeper, 1);
    expect(keeper.counts.ready).toBe(1);
    await turns(keeper, 9);
    expect([keeper.counts.ready, ids()]).toEqual([3, ['h1', 'h2', 'h3']]);
  });

  it('uses its share of one processor', async () => {
    await turns(keeperOf(), 3);
    expect(slept).toEqual([3 * MAKE_MS, 3 * MAKE_MS, 3 * MAKE_MS]);
  });

  it('makes none while backends start', async () => {
    const keeper = keeperOf();
    await turns(keeper, 5, true);
    expect(ids()).toEqual([]);
    await turns(keeper, 3);
    expect(ids()).toHaveLength(3);
  });

  it('gives each sandbox to one backend, and replaces it', async () => {
    const keeper = keeperOf();
    await turns(keeper, 3);
    const taken = ['a', 'b', 'c', 'd'].map((backend) => keeper.take(backend)?.id);
    expect(taken).toEqual(['h1', 'h2', 'h3', undefined]);
    expect(keeper.counts.starts).toEqual({ sandbox: 3, direct: 1 });
    await turns(keeper, 3);
    expect(keeper.take('e')?.id).toBe('h4');
  });

  it('removes a sandbox with its backend, and no other', async () => {
    const keeper = keeperOf();
    await turns(keeper, 3);
    keeper.take('a');
    keeper.take('b');
    await keeper.release('a');
    expect(ids()).toEqual(['h2', 'h3']);
    await keeper.release('a');
    expect(runtime.removed).toEqual(['h1']);
  });

  it('removes a sandbox later that could not be removed', async () => {
    const keeper = keeperOf();
    await turns(keeper, 3);
    keeper.take('a');
    runtime.before = (call) => {
      if (call === 'remove') throw new Error('the engine is away');
    };
    await expect(keeper.release('a')).rejects.toThrow('is away');
    runtime.before = () => {};
    await turns(keeper, 1);
    expect(ids()).not.toContain('h1');
  });

  it('removes what a smaller demand does not want, one in each turn', async () => {
    const keeper = keeperOf();
    for (let start = 0; start < 6; start++) keeper.take(`early${start}`);
    await turns(keeper, 10);
    expect(keeper.counts.ready).toBe(6);
    now += 11 * 60_000;
    await turns(keeper, 1);
    expect(keeper.counts.ready).toBe(5);
    await turns(keeper, 9);
    expect(ids()).toHaveLength(3);
  });

  it('makes none of the last addresses', async () => {
    const keeper = keeperOf();
    runtime.isFull = true;
    await turns(keeper, 3);
    expect(keeper.counts.ready).toBe(0);
  });

  it('waits longer after each failure, at most a minute', async () => {
    const keeper = keeperOf();
    runtime.before = (call) => {
      if (call === 'make') throw new Error('no');
    };
    for (let turn = 0; turn < 12; turn++)
      await expect(keeper.turn(() => false, stop.signal)).rejects.toThrow('no');
    expect(slept.slice(0, 3)).toEqual([100, 200, 400]);
    expect(slept.at(-1)).toBe(60_000);
  });

  describe('after a restart of the agent', () => {
    it('takes over sandboxes that nothing has used, and their addresses', async () => {
      await turns(keeperOf(), 3);
      const next = keeperOf();
      await next.look();
      expect([next.counts.ready, runtime.adopted]).toEqual([3, ['h1', 'h2', 'h3']]);
      await turns(next, 5);
      expect(ids()).toHaveLength(3);
    });

    it('removes a sandbox that was taken, although nothing has joined it yet', async () => {
      const keeper = keeperOf();
      await turns(keeper, 3);
      keeper.take('a');
      const next = keeperOf();
      await turns(next, 1);
      expect([runtime.removed, runtime.adopted]).toEqual([['h1'], ['h1', 'h2', 'h3']]);
    });

    it('removes a sandbox that its creation left without a running holder', async () => {
      runtime.holder({ usable: false, address: '' });
      await turns(keeperOf(), 1);
      expect(runtime.removed).toEqual(['h1']);
    });

    it('leaves a sandbox to the backend that has joined it, until that is removed', async () => {
      const keeper = keeperOf();
      await turns(keeper, 3);
      keeper.take('a');
      runtime.change('h1', { joinedBy: 'a' });
      const next = keeperOf();
      expect(await next.joined('h1')).toMatchObject({ id: 'h1', address: '10.0.0.1' });
      await turns(next, 5);
      expect(ids()).toContain('h1');
      await next.release('a');
      expect(ids()).not.toContain('h1');
    });

    it('removes a sandbox whose backend was removed before the restart', async () => {
      const keeper = keeperOf();
      await turns(keeper, 3);
      keeper.take('a');
      runtime.change('h1', { joinedBy: 'a' });
      const next = keeperOf();
      await next.look();
      runtime.change('h1', { joinedBy: undefined });
      now += 10_000;
      await turns(next, 1);
      expect(runtime.removed).toEqual(['h1']);
    });

    it('forgets the marks of holders that exist no more', async () => {
      const keeper = keeperOf();
      await turns(keeper, 3);
      keeper.take('a');
      runtime.holders.clear();
      await keeperOf().look();
      expect(new StateDir(temp.path).names()).toEqual([]);
    });

    it('replaces unused sandboxes that were made with other settings', async () => {
      runtime.holder({ current: false });
      const next = keeperOf();
      await turns(next, 3);
      expect(ids()).toEqual(['h2', 'h3', 'h4']);
    });

    it('makes none and removes the unused ones if they are switched off', async () => {
      await turns(keeperOf(), 3);
      const next = keeperOf(0);
      await next.look();
      expect(next.take('a')).toBeUndefined();
      await turns(next, 3);
      expect(ids()).toEqual([]);
    });
  });

  describe('if a holder dies', () => {
    it('that is ready, replaces it', async () => {
      const keeper = keeperOf();
      await turns(keeper, 3);
      runtime.change('h2', { usable: false });
      expect(keeper.died('h2')).toBeUndefined();
      await turns(keeper, 1);
      expect(ids()).toEqual(['h1', 'h3', 'h4']);
    });

    it('under a backend, names the backend, whose program has lost its network', async () => {
      const keeper = keeperOf();
      await turns(keeper, 3);
      keeper.take('a');
      expect(await keeper.joined('h1')).toBeDefined();
      expect(keeper.died('h1')).toBe('a');
      expect(await keeper.joined('h1')).toBeUndefined();
    });

    it('without an event, notices it at the next look', async () => {
      const keeper = keeperOf();
      await turns(keeper, 3);
      keeper.take('a');
      runtime.change('h1', { usable: false });
      runtime.holders.delete('h2');
      await keeper.look();
      expect(await keeper.joined('h1')).toBeUndefined();
      expect(keeper.counts).toMatchObject({ ready: 1, taken: 1 });
    });

    it('that is being removed with its backend, names none', async () => {
      const keeper = keeperOf();
      await turns(keeper, 3);
      keeper.take('a');
      let named: string | undefined = 'not asked';
      runtime.before = (call) => {
        if (call === 'remove') named = keeper.died('h1');
      };
      await keeper.release('a');
      expect(named).toBeUndefined();
    });
  });

  it('does not take a sandbox for found that was removed during the look', async () => {
    const keeper = keeperOf();
    await turns(keeper, 3);
    keeper.take('a');
    runtime.change('h1', { joinedBy: 'a' });
    runtime.before = async (call) => {
      runtime.before = () => {};
      if (call === 'list') await keeper.release('a');
    };
    await keeper.look();
    expect([keeper.counts.taken, runtime.adopted]).toEqual([0, []]);
  });
});
