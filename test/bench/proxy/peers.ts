import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Certificate,
  eventually,
  freePort,
  type Program,
  request,
  startProgram,
  tempDir,
} from '@spawner/testkit';

/** A well-known proxy, set to one thread, kept upstream connections, and the same added headers as ours. */
export interface Peer {
  name: string;
  port: number;
  httpsPort: number;
  /** The processes whose time counts: one, or one for each of its ports. */
  pids: readonly number[];
}

interface Ports {
  upstream: number;
  http: number;
  https: number;
  /** For further listeners that a proxy insists on. */
  others: readonly number[];
}

interface Recipe {
  name: string;
  binary: string;
  /** It is run by Node. */
  script?: boolean;
  env?: Record<string, string>;
  files(ports: Ports, dir: string, tls: Certificate): Record<string, string>;
  /** The arguments of each process. */
  args(dir: string, ports: Ports): string[][];
}

const RECIPES: readonly Recipe[] = [
  {
    name: 'nginx',
    binary: '/usr/sbin/nginx',
    files: ({ upstream, http, https }, dir, tls) => ({
      'cert.pem': tls.certPem,
      'key.pem': tls.keyPem,
      'nginx.conf': `worker_processes 1; daemon off; pid ${dir}/pid; error_log stderr;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; ssl_session_cache off; ssl_protocols TLSv1.2 TLSv1.3;
map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
upstream backend { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000000; }
server { listen 127.0.0.1:${http}; listen 127.0.0.1:${https} ssl; ssl_certificate ${dir}/cert.pem; ssl_certificate_key ${dir}/key.pem;
location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Host $host;
proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host; } } }
`,
    }),
    args: (dir) => [['-c', join(dir, 'nginx.conf')]],
  },
  {
    name: 'HAProxy',
    binary: '/usr/sbin/haproxy',
    files: ({ upstream, http, https }, dir, tls) => ({
      'both.pem': tls.certPem + tls.keyPem,
      'haproxy.cfg': `global
  nbthread 1
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  timeout tunnel 60s
  option http-keep-alive
frontend f
  bind 127.0.0.1:${http}
  bind 127.0.0.1:${https} ssl crt ${dir}/both.pem alpn h2,http/1.1
  option forwardfor
  http-request set-header X-Forwarded-Proto https if { ssl_fc }
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  default_backend b
backend b
  http-reuse always
  server s 127.0.0.1:${upstream}
`,
    }),
    args: (dir) => [['-f', join(dir, 'haproxy.cfg')]],
  },
  {
    name: 'Caddy',
    binary: '/usr/bin/caddy',
    env: { GOMAXPROCS: '1' },
    files: ({ upstream, http, https }, dir, tls) => ({
      'cert.pem': tls.certPem,
      'key.pem': tls.keyPem,
      Caddyfile: `{
  admin off
  auto_https off
}
http://:${http} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${upstream}
}
https://:${https} {
  bind 127.0.0.1
  tls ${dir}/cert.pem ${dir}/key.pem
  reverse_proxy 127.0.0.1:${upstream}
}
`,
    }),
    args: (dir) => [['run', '--adapter', 'caddyfile', '--config', join(dir, 'Caddyfile')]],
  },
  {
    // One port per process, otherwise its defaults.
    name: 'configurable-http-proxy',
    binary: fileURLToPath(new URL('../../../node_modules/.bin/configurable-http-proxy', import.meta.url)),
    script: true,
    files: (_ports, _dir, tls) => ({ 'cert.pem': tls.certPem, 'key.pem': tls.keyPem }),
    args: (dir, { upstream, http, https, others }) => {
      const tls = ['--ssl-cert', join(dir, 'cert.pem'), '--ssl-key', join(dir, 'key.pem')];
      return [http, https].map((port, at) => [
        ...['--ip', '127.0.0.1', '--port', `${port}`, '--api-port', `${others[at]}`, '--log-level', 'error'],
        ...['--default-target', `http://127.0.0.1:${upstream}`],
        ...(port === https ? tls : []),
      ]);
    },
  },
];

/** Starts all of them. Throws if this machine lacks one, because its budgets could not be judged. */
export async function startPeers(
  upstream: number,
  tls: Certificate,
): Promise<{ peers: Peer[] } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  const peers: Peer[] = [];
  const missing = RECIPES.filter(({ binary }) => !existsSync(binary)).map(({ name }) => name);
  if (missing.length > 0) throw new Error(`missing peers: ${missing.join(', ')}`);
  for (const recipe of RECIPES) {
    const dir = stack.use(await tempDir('peer')).path;
    const [http, https, ...others] = await Promise.all(Array.from({ length: 4 }, freePort));
    peers.push(await startPeer(recipe, { upstream, http: http!, https: https!, others }, dir, tls, stack));
  }
  return { peers, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function startPeer(
  { name, binary, script, env = {}, files, args }: Recipe,
  ports: Ports,
  dir: string,
  tls: Certificate,
  stack: AsyncDisposableStack,
): Promise<Peer> {
  for (const [file, text] of Object.entries(files(ports, dir, tls))) await writeFile(join(dir, file), text);
  const home = { HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir };
  const command = script ? process.execPath : binary;
  const programs: Program[] = [];
  for (const words of args(dir, ports)) {
    const own = script ? [binary, ...words] : words;
    programs.push(stack.use(await startProgram({ command, args: own, env: { ...home, ...env } })));
  }
  const answers = async () => {
    await request({ port: ports.http, path: '/128' });
    await request({ port: ports.https, path: '/128', tls: { rejectUnauthorized: false } });
  };
  await eventually(answers).catch((cause: unknown) => {
    const said = programs.map((program) => program.output()).join('\n');
    throw new Error(`${name} does not answer:\n${said}`, { cause });
  });
  const pids = programs.map(({ pid }) => workerOf(pid));
  return { name, port: ports.http, httpsPort: ports.https, pids };
}

/** The worker process if it has one child, or the process itself. */
function workerOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/);
  return children.length === 1 && children[0] ? Number(children[0]) : pid;
}
