import type { Sample } from '../runtime.ts';

/** The part of the engine's ContainerStats that a sample needs. */
export interface EngineStats {
  readonly cpu_stats: EngineCpu;
  readonly precpu_stats: EngineCpu;
  readonly memory_stats: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
}

interface EngineCpu {
  readonly cpu_usage: { readonly total_usage: number };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
}

/**
 * A sample by the formula of `docker stats` (Docker Engine API, ContainerStats): memory without the page cache, processor
 * time relative to the machine's. Returns undefined for the first frame, which has no earlier time to compare with.
 */
export function sampleOf(frame: EngineStats): Sample | undefined {
  const { cpu_stats: cpu, precpu_stats: before, memory_stats: memory } = frame;
  if (cpu.system_cpu_usage === undefined || before.system_cpu_usage === undefined) return undefined;
  const used = cpu.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const machine = cpu.system_cpu_usage - before.system_cpu_usage;
  // The first name is that of cgroup v1, the second that of v2.
  const cache = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0;
  const memoryBytes = Math.max(0, (memory.usage ?? 0) - cache);
  return {
    cpuPercent: machine > 0 ? Math.max(0, (used / machine) * (cpu.online_cpus ?? 1) * 100) : 0,
    memoryPercent: memory.limit ? (memoryBytes / memory.limit) * 100 : 0,
    memoryBytes,
  };
}
