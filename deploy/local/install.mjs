/**
 * Installs everything that a fresh clone needs: npm packages, programs of other projects, and a Node that is new enough. It runs
 * under the machine's own old Node and before any npm package exists, so it is plain JavaScript without foreign imports.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const OLDEST_NODE = [22, 18];
const POLICY = '/usr/sbin/policy-rc.d';

/** Everything that can be installed: the programs, libraries or Python modules that prove it, and its Debian packages. */
const WANTED = {
  'redis-server': { programs: ['redis-server'], packages: ['redis-server'] },
  'nats-server': { programs: ['nats-server'], packages: ['nats-server'] },
  dockerd: { programs: ['dockerd', 'iptables', 'ip'], packages: ['docker.io', 'iptables', 'iproute2'] },
  docker: { programs: ['docker'], packages: ['docker.io'] },
  'docker-compose': { programs: ['docker-compose'], packages: ['docker-compose'] },
  debootstrap: { programs: ['debootstrap'], packages: ['debootstrap'] },
  iptables: { programs: ['iptables'], packages: ['iptables'] },
  openssl: { programs: ['openssl'], packages: ['openssl'] },
  pebble: { programs: ['pebble', 'openssl'], packages: ['pebble', 'openssl'] },
  chromium: { programs: ['chromium'], packages: ['chromium'] },
  dig: { programs: ['dig'], packages: ['bind9-dnsutils'] },
  curl: { programs: ['curl'], packages: ['curl', 'ca-certificates'] },
  caddy: { programs: ['caddy'], packages: ['caddy'] },
  haproxy: { programs: ['haproxy'], packages: ['haproxy'] },
  jemalloc: { programs: [], libraries: ['libjemalloc.so.2'], packages: ['libjemalloc2'] },
  nginx: { programs: ['nginx'], packages: ['nginx-light'] },
  wrk: { programs: ['wrk'], packages: ['wrk'] },
  'python3-grpc': {
    programs: ['/usr/bin/python3', 'protoc', 'grpc_python_plugin'],
    modules: ['grpc', 'google.protobuf'],
    packages: [
      'python3',
      'python3-grpcio',
      'python3-protobuf',
      'protobuf-compiler',
      'protobuf-compiler-grpc',
    ],
  },
};

/**
 * Installs the npm packages of package-lock.json unless exactly these are installed. It never prompts. `npm ci` refuses a lock that
 * lacks a package for another platform, as a registry without that package makes it. `npm install` accepts it and installs the
 * same versions.
 */
export function installNpm() {
  if (npmIsCurrent(readJson('package-lock.json'), readJson(join('node_modules', '.package-lock.json'))))
    return;
  // No package needs its install script. The project's Node comes with them, so the engines of the present one do not matter.
  const quietly = ['--ignore-scripts', '--loglevel=error'];
  if (npm(['ci', ...quietly]) || npm(['install', '--no-save', ...quietly])) return;
  throw new Error('The npm packages could not be installed; see the output of npm above.');
}

/** Whether npm's record of what it installed agrees with the lock; packages for other platforms may be absent. */
export function npmIsCurrent(lock, installed) {
  if (!lock) throw new Error('package-lock.json is missing');
  if (!installed) return false;
  return Object.entries(lock.packages).every(([path, wanted]) => {
    const found = installed.packages[path];
    if (path === '' || (!found && wanted.optional)) return true;
    return found !== undefined && found.version === wanted.version && found.link === wanted.link;
  });
}

/**
 * Makes sure that the named things (keys of WANTED) are installed. As root on Debian or Ubuntu it installs the missing ones without
 * starting a daemon. Elsewhere it throws an error that lists them.
 */
export function installSystem(names) {
  const missing = names.filter((name) => !isThere(name));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.flatMap((name) => WANTED[name].packages))];
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (!find('apt-get')) {
    throw new Error(
      `Missing: ${missing.join(', ')}. Install them; on Debian these are the packages ${packages.join(' ')}.`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new Error(`Missing: ${missing.join(', ')}. Run as root:  apt-get update && ${command}`);
  }
  console.log(`Installing ${packages.join(' ')} …`);
  withoutDaemons(() => {
    apt(['update']);
    apt(['install', '-y', '--no-install-recommends', ...packages]);
  });
  const still = missing.filter((name) => !isThere(name));
  if (still.length > 0)
    throw new Error(`Installed ${packages.join(' ')}, but still missing: ${still.join(', ')}`);
}

/** The path of a Node that runs TypeScript directly: the project's own if npm installed one, or this one if it is new enough. */
export function projectNode() {
  const own = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(own)) return own;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]))
    return process.execPath;
  throw new Error(
    `Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.version}, and npm has no ready-made Node for ${process.platform}-${process.arch} among this project's packages. Install Node 24.`,
  );
}

/**
 * The environment of the project's programs: its own Node and tools come first on the PATH. Node keeps compiled programs among
 * the packages, so that a second start need not strip types and parse again, and a new installation begins without them.
 */
export function projectEnv() {
  return {
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node'),
    ...process.env,
    PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
  };
}

function isThere(name) {
  const wanted = WANTED[name];
  if (!wanted) throw new Error(`cannot install "${name}"; known are ${Object.keys(WANTED).join(', ')}`);
  if (!wanted.programs.every(find)) return false;
  if (!(wanted.libraries ?? []).every(isLoadable)) return false;
  const imports = (wanted.modules ?? []).map((module) => `import ${module}`).join('; ');
  return imports === '' || spawnSync('/usr/bin/python3', ['-c', imports], { stdio: 'ignore' }).status === 0;
}

function find(program) {
  if (program.startsWith('/')) return isExecutable(program);
  return `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin`
    .split(':')
    .some((folder) => folder !== '' && isExecutable(join(folder, program)));
}

/** Whether the loader's cache knows the library (ldconfig(8)). */
function isLoadable(library) {
  const { stdout = '' } = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  return (stdout ?? '').includes(`${library} `);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function npm(args) {
  const all = [...args, '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  console.log(`Installing npm packages (npm ${args.join(' ')}) …`);
  return spawnSync('npm', all, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

function apt(args) {
  execFileSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/** Debian's packages start their daemons at once unless this policy forbids it. An existing policy stays. */
function withoutDaemons(install) {
  if (existsSync(POLICY)) return install();
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return install();
  } finally {
    rmSync(POLICY, { force: true });
  }
}

function readJson(path) {
  const file = join(root, path);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
