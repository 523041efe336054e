import type { Violation } from './errors.ts';

/** The specification of a backend, as a request has it. `specViolations` is its only check. */
export interface SpecInput {
  image: string;
  command: readonly string[];
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
  port?: number;
  resources?: { cpuMillis: number; memoryBytes: number; pids: number };
  readiness?: { httpPath: string };
  credentials?: { username: string; password: string; identityToken: string };
  stopSignal: string;
  stopGraceMs?: number;
  pullTimeoutMs?: number;
  startupTimeoutMs?: number;
  idleTimeoutMs?: number;
  lifetimeLimitMs?: number;
  pages?: { redirectUrl: string; startAgainUrl: string };
}

export const SPEC_DEFAULTS = {
  port: 8080,
  stopGraceMs: 10_000,
  pullTimeoutMs: 600_000,
  startupTimeoutMs: 60_000,
  idleTimeoutMs: 300_000,
  lifetimeLimitMs: 0,
} as const;

const DAY = 86_400_000;
const MEMORY_FLOOR = 6 * 1024 * 1024;
// The reference grammar of the OCI distribution spec: [host[:port]/]path[:tag][@digest].
const IMAGE =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@[a-z0-9]+:[a-fA-F0-9]{32,})?$/;
/** A first part with a dot, a port or the name localhost is a registry, whose name may have them. */
const UPPER_CASE = /^(?!localhost\/)[^/.:]*[A-Z][^/.:]*\//;
const MOST_URL = 1_024;
const SIGNAL = /^SIG(?:TERM|INT|QUIT|HUP|USR1|USR2|KILL|WINCH)$/;

/** Returns every fault of a spec at once, each with its field below `at`; empty if it can be started. */
export function specViolations(spec: SpecInput, at = 'spec'): Violation[] {
  const violations: Violation[] = [];
  const wrong = (field: string, message: string) => violations.push({ field: `${at}.${field}`, message });
  const within = (field: string, value: number | undefined, min: number, max: number) => {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= min && value <= max))
      wrong(field, `must be a whole number from ${min} to ${max}`);
  };

  if (spec.image === '') wrong('image', 'must not be empty');
  else if (spec.image.length > 512 || !IMAGE.test(spec.image)) wrong('image', 'not an image reference');
  else if (UPPER_CASE.test(spec.image)) wrong('image', 'a repository has no upper-case letters');
  within('port', spec.port, 1, 65_535);
  within('stop_grace_ms', spec.stopGraceMs, 0, 10 * 60_000);
  within('pull_timeout_ms', spec.pullTimeoutMs, 1_000, DAY);
  within('startup_timeout_ms', spec.startupTimeoutMs, 100, DAY);
  within('idle_timeout_ms', spec.idleTimeoutMs, 0, 365 * DAY);
  within('lifetime_limit_ms', spec.lifetimeLimitMs, 0, 365 * DAY);
  within('resources.cpu_millis', spec.resources?.cpuMillis, 0, 1_024_000);
  within('resources.pids', spec.resources?.pids, 0, 4_194_304);
  const memory = spec.resources?.memoryBytes ?? 0;
  if (memory !== 0 && !(Number.isSafeInteger(memory) && memory >= MEMORY_FLOOR && memory <= 2 ** 46))
    wrong('resources.memory_bytes', `must be 0 or a whole number from ${MEMORY_FLOOR} to ${2 ** 46}`);
  if (spec.stopSignal !== '' && !SIGNAL.test(spec.stopSignal))
    wrong('stop_signal', 'not a signal that a program can be stopped with');
  const path = spec.readiness?.httpPath ?? '';
  // The characters of a request line (RFC 3986). Node refuses to send others, so the probe would never succeed.
  if (path !== '' && (path.length > 2_048 || !/^\/[\x21\x22\x24-\x7e]*$/.test(path)))
    wrong('readiness.http_path', 'must begin with a slash and be a path of visible ASCII characters');
  if (spec.credentials?.identityToken && (spec.credentials.username || spec.credentials.password))
    wrong('credentials', 'either username and password or identity_token');
  for (const [field, text] of [
    ['redirect_url', spec.pages?.redirectUrl],
    ['start_again_url', spec.pages?.startAgainUrl],
  ] as const)
    if (text && !isPageUrl(text))
      wrong(
        `pages.${field}`,
        `must be an http or https address of at most ${MOST_URL} visible ASCII characters`,
      );
  checkTexts(spec, wrong);
  return violations;
}

/** Whether users can be led to an address: one without the scripts that other schemes run, and without a password. */
export function isPageUrl(text: string): boolean {
  if (text.length > MOST_URL || !/^https?:\/\/[\x21-\x7e]+$/i.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

function checkTexts(spec: SpecInput, wrong: (field: string, message: string) => void): void {
  for (const [name, value] of Object.entries(spec.env)) {
    if (name === '') wrong('env', 'a name must not be empty');
    else if (/[=\0]/.test(name)) wrong(`env.${printable(name)}`, 'a name must not contain = or NUL');
    if (value.includes('\0')) wrong(`env.${printable(name)}`, 'a value must not contain NUL');
  }
  for (const [name, value] of Object.entries(spec.labels)) {
    if (!/^[a-zA-Z0-9](?:[a-zA-Z0-9._/-]{0,126}[a-zA-Z0-9])?$/.test(name))
      wrong(`labels.${printable(name)}`, 'not a label name');
    if (value.length > 256 || value.includes('\0'))
      wrong(`labels.${printable(name)}`, 'a value has at most 256 characters and no NUL');
  }
  if (Object.keys(spec.labels).length > 64) wrong('labels', 'at most 64');
  for (const field of ['command', 'args'] as const)
    spec[field].forEach((part, index) => {
      if (part.includes('\0')) wrong(`${field}[${index}]`, 'must not contain NUL');
    });
  const { PORT: port } = spec.env;
  if (port !== undefined && port !== String(spec.port ?? SPEC_DEFAULTS.port))
    wrong('env.PORT', 'is set from the port of the spec, so that one must be set instead');
  const envBytes = Object.entries(spec.env).flat().join('').length;
  if (envBytes > 131_072) wrong('env', 'at most 128 KiB in all');
}

function printable(name: string): string {
  return JSON.stringify(name.slice(0, 64)).slice(1, -1);
}
