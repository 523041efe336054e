import type { Bus, Question, Subject } from '@spawner/bus';
import { AppError } from '@spawner/domain';
import type { Network } from '../world/network.ts';
import type { Process } from '../world/process.ts';
import type { World } from '../world/world.ts';

/** Takes a message, and may answer it. */
type Take = (message: unknown, respond: (answer: unknown) => void) => void;

interface Listener {
  readonly process: Process;
  readonly take: Take;
}

/** The message bus: it may be away, and each process has a way of its own to it. */
export class BusServer {
  away = false;
  readonly #world: World;
  readonly #network: Network;
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(world: World, network: Network) {
    this.#world = world;
    this.#network = network;
  }

  reaches(process: Process): boolean {
    return !this.away && this.#network.reaches(process.name, 'bus');
  }

  listen(subject: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners.add(listener));
    const leave = () => void listeners.delete(listener);
    listener.process.onCrash(leave);
    return leave;
  }

  /** Sends a message to every listener, each by its own way. `answered` is called with each answer. */
  publish(
    from: Process,
    subjects: readonly string[],
    message: unknown,
    answered: (answer: unknown) => void = () => {},
  ): void {
    this.#network.relay(from.name, 'bus', () => {
      if (this.away) return;
      for (const subject of subjects)
        for (const { process, take } of this.#listeners.get(subject) ?? []) {
          const respond = (answer: unknown) =>
            this.#hand(process.name, from, () => {
              answered(answer);
            });
          this.#network.send('bus', process.name, () => take(message, respond), process);
        }
    });
  }

  #hand(from: string, to: Process, take: () => void): void {
    this.#network.relay(from, 'bus', () => {
      if (!this.away) this.#network.send('bus', to.name, take, to);
    });
  }

  hasNoListener(subject: string): boolean {
    return (this.#listeners.get(subject)?.size ?? 0) === 0;
  }

  later(ms: number, process: Process, then: () => void) {
    return this.#world.after(process.machine.trueTime(ms), then, process);
  }
}

/** One process's connection to the bus. `answered` is called after every question that the process answers. */
export function busOf(
  process: Process,
  server: BusServer,
  answered: (message: unknown) => void = () => {},
): Bus {
  const listen = (subject: string, take: Take) => {
    const close = server.listen(subject, { process, take });
    return { close, established: async () => {} };
  };
  return {
    get connected() {
      return server.reaches(process);
    },
    publish: <T>(subject: Subject<T>, id: string, message: T) => {
      if (server.reaches(process)) server.publish(process, [subject.of(id), subject.all], message);
    },
    subscribe: <T>(
      subject: Subject<T>,
      id: string | undefined,
      take: (message: T, trace: undefined) => void,
    ) => listen(id === undefined ? subject.all : subject.of(id), (message) => take(message as T, undefined)),
    answer: <T, R>(question: Question<T, R>, id: string, reply: (message: T) => R) =>
      listen(question.of(id), (message, respond) => {
        respond(reply(message as T));
        answered(message);
      }),
    ask: <T, R>(question: Question<T, R>, id: string, message: T, timeoutMs: number) =>
      new Promise<R>((resolve, reject) => {
        const subject = question.of(id);
        const noAnswer = () => reject(new AppError('unavailable', `no answer on ${subject}`));
        const late = server.later(timeoutMs, process, noAnswer);
        if (!server.reaches(process)) return;
        if (server.hasNoListener(subject)) {
          late.run = undefined;
          server.later(1, process, noAnswer);
          return;
        }
        const heard = (answer: unknown) => {
          late.run = undefined;
          resolve(answer as R);
        };
        server.publish(process, [subject], message, heard);
      }),
    close: async () => {},
  };
}
