import { QueuePositions } from '@spawner/bus';
import { AppError } from '@spawner/domain';
import { Backend, BackendState } from '@spawner/proto/v1/backend';
import { type CrankedClock, crankedClock } from '@spawner/testkit';
import { type WatchSources, watchBackend } from './watch.ts';

const { SCHEDULED, LOADING, STARTING, READY, TERMINATED } = BackendState;

/** A record that a test moves on, with or without a hint, and whose reads may fail. */
class Stage implements WatchSources {
  readonly clock: CrankedClock = crankedClock();
  readonly stop = new AbortController();
  record = Backend.fromPartial({
    id: 'x',
    state: SCHEDULED,
    revision: 1,
    events: [{ state: SCHEDULED, revision: 1 }],
  });
  failure: Error | undefined;
  reads = 0;
  listeners = 0;
  heardBeforeReading = false;
  #hint: () => void = () => {};

  hints = (_id: string, take: () => void) => {
    this.listeners += 1;
    this.#hint = take;
    return {
      established: async () => {
        this.heardBeforeReading = this.reads === 0;
      },
      close: () => {
        this.listeners -= 1;
      },
    };
  };
  read = async () => {
    this.reads += 1;
    if (this.failure) throw this.failure;
    return this.record;
  };
  move(state: BackendState): void {
    const revision = this.record.revision + 1;
    const events = [...this.record.events, { state, revision }];
    this.record = { ...this.record, state, revision, events };
  }
  hint(): void {
    this.#hint();
  }
  readonly queue = new QueuePositions('test', this.clock);
  waits(...ids: string[]): void {
    const waiting = ids.map((id) => ({ id }));
    this.queue.take({ droneId: 'd', cluster: 'test', waiting });
  }
  /** Watches into a list that grows as records come; `ended` settles with the watch. */
  follow(afterRevision = 0) {
    const seen: number[] = [];
    const ended = (async () => {
      for await (const { state } of watchBackend('x', afterRevision, this, this.stop.signal))
        seen.push(state);
    })();
    return { seen, ended };
  }
}

describe('watchBackend', () => {
  it('tells the record now and every step after it, and ends after TERMINATED', async () => {
    const stage = new Stage();
    const { seen, ended } = stage.follow();
    await stage.clock.advance(0);
    expect(seen).toEqual([SCHEDULED]);
    stage.move(LOADING);
    stage.move(STARTING);
    stage.hint();
    await stage.clock.advance(0);
    expect(seen).toEqual([SCHEDULED, LOADING, STARTING]);
    stage.move(READY);
    stage.move(TERMINATED);
    stage.hint();
    await ended;
    expect(seen).toEqual([SCHEDULED, LOADING, STARTING, READY, TERMINATED]);
    expect([stage.listeners, stage.clock.sleeping]).toEqual([0, 0]);
  });

  it('finds out within 5 seconds where every hint is lost', async () => {
    const stage = new Stage();
    const { seen } = stage.follow();
    await stage.clock.advance(0);
    stage.move(READY);
    await stage.clock.advance(4_999);
    expect(seen).toEqual([SCHEDULED]);
    await stage.clock.advance(1);
    expect(seen).toEqual([SCHEDULED, READY]);
    stage.stop.abort();
  });

  it('reads only after it has subscribed to changes', async () => {
    const stage = new Stage();
    const { ended } = stage.follow();
    stage.move(TERMINATED);
    await ended;
    expect([stage.heardBeforeReading, stage.reads]).toEqual([true, 1]);
  });

  it('tells each step of a pull as it comes, without a read', async () => {
    const stage = new Stage();
    stage.move(LOADING);
    const { seen } = stage.follow(1);
    await stage.clock.advance(0);
    const pulls = async (layersDone: number) => {
      const pull = { layers: 3, layersDone, bytes: 0, bytesDone: 0, attempts: 1, lastError: '' };
      stage.queue.take({ droneId: 'd', cluster: 'test', waiting: [], pulling: [{ id: 'x', pull }] });
      await stage.clock.advance(0);
    };
    for (const layersDone of [0, 0, 1, 2, 2]) await pulls(layersDone);
    expect([seen, stage.reads]).toEqual([[LOADING, LOADING, LOADING, LOADING], 1]);
    stage.stop.abort();
  });

  it('tells each position in the queue as it comes, without a read, and none after the start', async () => {
    const stage = new Stage();
    stage.waits('v', 'w', 'x');
    const { seen } = stage.follow();
    await stage.clock.advance(0);
    stage.move(LOADING);
    stage.hint();
    await stage.clock.advance(0);
    expect([seen.length, stage.reads]).toEqual([2, 2]);
    for (const queue of [['w', 'x'], ['w', 'x'], ['x']]) {
      stage.waits(...queue);
      await stage.clock.advance(0);
    }
    expect(seen).toEqual([SCHEDULED, LOADING, LOADING, LOADING]);
    stage.waits();
    await stage.clock.advance(0);
    expect([seen.length, stage.reads]).toEqual([4, 2]);
    stage.move(STARTING);
    stage.hint();
    await stage.clock.advance(0);
    stage.waits('x');
    await stage.clock.advance(0);
    expect(seen.slice(4)).toEqual([STARTING]);
    stage.stop.abort();
  });

  it('reads once for any number of hints', async () => {
    const stage = new Stage();
    stage.follow();
    await stage.clock.advance(0);
    for (let n = 0; n < 100; n++) stage.hint();
    await stage.clock.advance(0);
    expect(stage.reads).toBe(2);
    stage.stop.abort();
  });

  it('resumes after a revision', async () => {
    const stage = new Stage();
    stage.move(LOADING);
    const { seen } = stage.follow(1);
    await stage.clock.advance(0);
    expect(seen).toEqual([LOADING]);
    stage.stop.abort();
  });

  it('ends at once for who has seen the end', async () => {
    const stage = new Stage();
    stage.move(TERMINATED);
    const { seen, ended } = stage.follow(2);
    await ended;
    expect(seen).toEqual([]);
  });

  it('waits for a scheduler that goes away, but not for one that is away at first', async () => {
    const away = new AppError('unavailable', 'away');
    const stage = new Stage();
    stage.failure = away;
    await expect(stage.follow().ended).rejects.toBe(away);
    stage.failure = undefined;
    const { seen } = stage.follow();
    await stage.clock.advance(0);
    stage.failure = away;
    await stage.clock.advance(20_000);
    stage.failure = undefined;
    stage.move(READY);
    await stage.clock.advance(5_000);
    expect(seen).toEqual([SCHEDULED, READY]);
    stage.stop.abort();
  });

  it('throws for a backend that is not known, or not any more', async () => {
    const stage = new Stage();
    const { ended } = stage.follow();
    const gone = expect(ended).rejects.toMatchObject({ code: 'not_found' });
    await stage.clock.advance(0);
    stage.failure = new AppError('not_found', 'no backend x');
    stage.hint();
    await gone;
    expect(stage.listeners).toBe(0);
  });

  it('ends when its caller leaves, and leaves nothing behind', async () => {
    const stage = new Stage();
    const { ended } = stage.follow();
    await stage.clock.advance(0);
    stage.stop.abort();
    await ended;
    expect([stage.listeners, stage.clock.sleeping]).toEqual([0, 0]);
  });
});
