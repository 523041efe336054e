/** A Docker Engine's own view of a cluster's containers: the truth that all tables are compared with. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Program, startProgram } from '@spawner/testkit';

export interface ContainerEnd {
  /** Milliseconds from `since` to the first SIGTERM, and to the end of its program. */
  termMs: number;
  deadMs: number;
}

export interface EngineView {
  /** Ids of the backends whose containers run, in order. */
  running(): Promise<string[]>;
  /** The process on this machine that the backend's container was started as. */
  pid(id: string): Promise<number>;
  /** How these backends' containers ended since this wall time; throws for one that did not, or got no SIGTERM. */
  ends(ids: readonly string[], since: number): Promise<Map<string, ContainerEnd>>;
  /** All that the backend says, from its first line to its end, as the `lines` of a program; resolves when it has written its fence. */
  follow(id: string): Promise<Program>;
}

interface EngineEvent {
  Action: string;
  timeNano: number;
  Actor: { Attributes: Record<string, string> };
}

export function engineView(socketPath: string, cluster: string): EngineView {
  const host = ['-H', `unix://${socketPath}`];
  const docker = async (...args: string[]) => {
    const options = { timeout: 20_000, maxBuffer: 16 * 1024 * 1024 };
    const { stdout } = await promisify(execFile)('docker', [...host, ...args], options);
    return stdout.split('\n').filter((line) => line !== '');
  };
  const ours = ['--filter', `label=dev.spawner.cluster=${cluster}`];
  return {
    running: async () => (await docker('ps', ...ours, '--format', '{{.Label "dev.spawner.backend"}}')).sort(),
    pid: async (id) => Number((await docker('inspect', '--format', '{{.State.Pid}}', name(id)))[0]),
    ends: async (ids, since) => {
      const span = ['--since', seconds(since), '--until', seconds(Date.now())];
      const lines = await docker('events', ...ours, ...span, '--format', '{{json .}}');
      const events = lines.map((line) => JSON.parse(line) as EngineEvent);
      return new Map(ids.map((id) => [id, endOf(id, events, since)]));
    },
    follow: (id) =>
      startProgram({
        command: 'docker',
        args: [...host, 'logs', '--follow', name(id)],
        ready: (line) => line.startsWith('fence '),
      }),
  };
}

function name(id: string): string {
  return `spawner-${id}`;
}

function seconds(wallMs: number): string {
  return (wallMs / 1_000).toFixed(3);
}

function endOf(id: string, events: readonly EngineEvent[], since: number): ContainerEnd {
  const after = (action: string, signal?: string) => {
    const event = events.find(
      ({ Action, Actor: { Attributes } }) =>
        Attributes['dev.spawner.backend'] === id && Action === action && Attributes.signal === signal,
    );
    if (!event) throw new Error(`${id} had no ${action} ${signal ?? ''}: ${JSON.stringify(events)}`);
    return Math.round(event.timeNano / 1e6 - since);
  };
  return { termMs: after('kill', '15'), deadMs: after('die') };
}
