import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { markOf } from '../../../libs/testkit/src/test-run.ts';
import type { Leftover } from '../leftovers.ts';

const run = (command: string, ...args: string[]) =>
  promisify(execFile)(command, args, {
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
  });
const TABLES = ['filter', 'nat', 'mangle'];
const DEVICE = /^(?:spawnt|spawnw|br-)/;
const CHAIN = /^VANISHED-(\d+)$/;

/** The network devices whose alias bears the run's mark. */
export async function devices(of: string): Promise<Leftover[]> {
  return namesIn('/sys/class/net').flatMap((name) => {
    const mark = markOf(textOf(`/sys/class/net/${name}/ifalias`).trim());
    if (mark?.run !== of) return [];
    const remove = async () => void (await run('ip', 'link', 'delete', name));
    return [{ id: `device ${name}`, what: `network device ${name}`, file: mark.file, remove }];
  });
}

/** The rules for a bridge that is no longer there, and the chains of a process that is no longer there. */
export async function firewallRules(): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const table of TABLES) {
    const rules = await rulesOf(table);
    found.push(...orphanedRules(rules, exists).map((rule) => leftover(table, rule)));
  }
  return found;
}

/** Rules come before the chains that they use, so that they can be removed in this order. Pure. */
export function orphanedRules(
  rules: readonly string[],
  isThere: (kind: 'device' | 'process', name: string) => boolean,
): string[] {
  const orphaned = rules.filter((rule) =>
    rule.split(' ').some((word) => {
      const pid = CHAIN.exec(word)?.[1];
      return pid ? !isThere('process', pid) : DEVICE.test(word) && !isThere('device', word);
    }),
  );
  return [
    ...orphaned.filter((rule) => rule.startsWith('-A')),
    ...orphaned.filter((rule) => rule.startsWith('-N')),
  ];
}

function leftover(table: string, rule: string): Leftover {
  const change = rule.startsWith('-A') ? rule.replace('-A', '-D') : rule.replace('-N', '-X');
  const remove = async () => void (await run('iptables', '-w', '10', '-t', table, ...change.split(' ')));
  return { id: `rule ${table} ${rule}`, what: `firewall rule ${rule} (${table})`, remove };
}

/** None where there is no iptables, or no right to look. */
async function rulesOf(table: string): Promise<string[]> {
  const listed = await run('iptables', '-w', '10', '-t', table, '-S').catch(() => ({ stdout: '' }));
  return listed.stdout.split('\n').filter((line) => line !== '');
}

function exists(kind: 'device' | 'process', name: string): boolean {
  return existsSync(kind === 'device' ? `/sys/class/net/${name}` : `/proc/${name}`);
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
