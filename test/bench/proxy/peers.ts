import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Certificate, eventually, freePort, request, startProgram, tempDir } from '@spawner/testkit';

/** The proxies that everybody knows, each set to one thread, kept upstream connections, and the headers that we set too. */
export interface Peer {
  name: string;
  port: number;
  httpsPort: number;
  /** The process whose time counts. */
  pid: number;
}

interface Ports {
  upstream: number;
  http: number;
  https: number;
}

interface Recipe {
  name: string;
  binary: string;
  env?: Record<string, string>;
  files(ports: Ports, dir: string, tls: Certificate): Record<string, string>;
  args(dir: string): string[];
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
    args: (dir) => ['-c', join(dir, 'nginx.conf')],
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
    args: (dir) => ['-f', join(dir, 'haproxy.cfg')],
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
    args: (dir) => ['run', '--adapter', 'caddyfile', '--config', join(dir, 'Caddyfile')],
  },
];

/** Starts those that this machine has. */
export async function startPeers(
  upstream: number,
  tls: Certificate,
): Promise<{ peers: Peer[] } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  const peers: Peer[] = [];
  for (const { name, binary, env = {}, files, args } of RECIPES.filter(({ binary: path }) =>
    existsSync(path),
  )) {
    const dir = stack.use(await tempDir('peer')).path;
    const ports = { upstream, http: await freePort(), https: await freePort() };
    for (const [file, text] of Object.entries(files(ports, dir, tls))) await writeFile(join(dir, file), text);
    const home = { HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir };
    const program = stack.use(
      await startProgram({ command: binary, args: args(dir), env: { ...home, ...env } }),
    );
    await eventually(() => request({ port: ports.http, path: '/128' })).catch((cause: unknown) => {
      throw new Error(`${name} does not answer:\n${program.output()}`, { cause });
    });
    peers.push({ name, port: ports.http, httpsPort: ports.https, pid: workerOf(program.pid) });
  }
  return { peers, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Its one child, which does the work, or itself. */
function workerOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/);
  return children.length === 1 && children[0] ? Number(children[0]) : pid;
}
