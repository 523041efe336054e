import { AppError, DEADLINES, isAppError } from '@spawner/domain';
import type { CallContext, Implementation, RpcClient, ServiceDefinition } from '@spawner/rpc';
import type { Network } from '../world/network.ts';
import type { Process } from '../world/process.ts';
import type { World } from '../world/world.ts';

/** The services that can be called, by the name of the party that serves them now. */
export class RpcLinks {
  readonly #world: World;
  readonly #network: Network;
  readonly #serving = new Map<string, { process: Process; service: Implementation }>();
  readonly #callers = new Map<Process, Set<() => void>>();
  /** How much later than usual a request arrives, in true milliseconds. */
  late: (caller: string, method: string) => number = () => 0;

  constructor(world: World, network: Network) {
    this.#world = world;
    this.#network = network;
  }

  /** From now on, until it crashes, this process answers. */
  serve(process: Process, service: Implementation): void {
    this.#serving.set(process.name, { process, service });
    const callers = new Set<() => void>();
    this.#callers.set(process, callers);
    process.onCrash(() => {
      this.#callers.delete(process);
      for (const broken of callers) broken();
    });
  }

  /** A client as libs/rpc makes it; with several targets each call goes to one that seems to be there. */
  client<const D extends ServiceDefinition>(
    definition: D,
    caller: Process,
    targets: readonly string[],
  ): RpcClient<D> {
    let turn = this.#world.random.below(targets.length);
    const target = () => {
      for (let tries = 0; tries < targets.length; tries++) {
        const name = targets[turn++ % targets.length] as string;
        const { process } = this.#serving.get(name) ?? {};
        if (process?.alive && this.#network.reaches(caller.name, name)) return name;
      }
      return targets[turn % targets.length] as string;
    };
    const methods = Object.keys(definition).map((name) => [
      name,
      (request: never, options: Options = {}) => this.#call(caller, target(), name, request, options),
    ]);
    return Object.assign(Object.fromEntries(methods), { close: () => {} }) as RpcClient<D>;
  }

  #call(caller: Process, target: string, method: string, request: never, options: Options): Promise<unknown> {
    const world = this.#world;
    const { timeoutMs = DEADLINES.call, signal } = options;
    return new Promise((resolve, reject) => {
      const fail = (code: 'unavailable' | 'deadline' | 'cancelled') =>
        finish(() => reject(errorOf(code, method)));
      if (signal?.aborted) return fail('cancelled');
      const lasts = caller.machine.trueTime(timeoutMs);
      const untilTrue = world.now + lasts;
      const late = world.after(lasts, () => fail('deadline'), caller);
      const cancel = () => fail('cancelled');
      signal?.addEventListener('abort', cancel);
      const server = this.#serving.get(target);
      const callers = server && this.#callers.get(server.process);
      let over = false;
      function finish(then: () => void) {
        if (over) return;
        over = true;
        late.run = undefined;
        callers?.delete(broken);
        signal?.removeEventListener('abort', cancel);
        then();
      }
      const broken = () => world.after(1, () => fail('unavailable'), caller);
      if (!server || !callers) {
        broken();
        return;
      }
      callers.add(broken);
      const { process, service } = server;
      const arrives = () => {
        world.note(method, caller.name, target);
        const reply = (then: () => void) =>
          this.#network.send(target, caller.name, () => finish(then), caller);
        answer(service, method, request, new Context(process, untilTrue)).then(
          (value) => reply(() => resolve(value)),
          (error: unknown) => {
            world.see(error, `${method} at ${target}`);
            reply(() => reject(asTold(error, method)));
          },
        );
      };
      const send = () => this.#network.send(caller.name, target, arrives, process);
      const delay = this.late(caller.name, method);
      if (delay > 0) world.after(delay, send);
      else send();
    });
  }
}

/** How long before its deadline a handler stops, so that its answer arrives. */
const ANSWER_MS = 20;

interface Options {
  timeoutMs?: number;
  signal?: AbortSignal;
}

async function answer(service: Implementation, method: string, request: never, context: CallContext) {
  const handler = service.handlers[method];
  if (!handler) throw new AppError('unimplemented', method);
  return handler(request, context);
}

/**
 * The context of a call. Its signal aborts shortly before the deadline of the caller, in true time: over the seconds of one
 * call, real clocks agree. Most handlers ask for no signal, so it is made when one does.
 */
class Context implements CallContext {
  readonly peer = '';
  readonly #process: Process;
  readonly #until: number;
  #controller: AbortController | undefined;

  constructor(process: Process, untilTrue: number) {
    this.#process = process;
    this.#until = process.machine.at(untilTrue - ANSWER_MS);
  }

  get signal() {
    if (!this.#controller) {
      const made = new AbortController();
      this.#controller = made;
      void this.#process.clock
        .sleep(Math.max(0, this.timeLeftMs()))
        .then(() => made.abort(new Error('too late')));
    }
    return this.#controller.signal;
  }

  readonly timeLeftMs = (): number => this.#until - this.#process.clock.now();

  get metadata(): never {
    throw new Error('no metadata in a simulated call');
  }
}

function errorOf(code: 'unavailable' | 'deadline' | 'cancelled', method: string): AppError {
  return new AppError(code, `${method}: ${code}`);
}

/** As libs/rpc hands errors over: kinds cross, other errors do not. */
function asTold(error: unknown, method: string): AppError {
  return isAppError(error) ? error : new AppError('internal', `${method} failed`, { cause: error });
}
