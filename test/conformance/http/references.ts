import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, freePort, type Program, rawHttp, startProgram, tempDir } from '@spawner/testkit';
import type { Course } from './course.ts';
import { Recorder } from './recorder.ts';

/** nginx and HAProxy as Debian has them, with kept-alive connections to their backends: what the world is used to. */
export interface Reference extends AsyncDisposable {
  name: string;
  courses: Course[];
}

interface Way {
  port: number;
  upstream: number;
}

export function startNginx(count: number): Promise<Reference> {
  return start('nginx', '/usr/sbin/nginx', count, (ways, dir) => ({
    args: ['-c', join(dir, 'config')],
    config: `worker_processes 1; daemon off; pid ${dir}/pid; error_log ${dir}/log;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path ${dir}; proxy_temp_path ${dir}; fastcgi_temp_path ${dir}; uwsgi_temp_path ${dir}; scgi_temp_path ${dir};
map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
${ways
  .map(
    ({ port, upstream }, at) => `upstream b${at} { server 127.0.0.1:${upstream}; keepalive 8; }
server { listen 127.0.0.1:${port}; location / { proxy_pass http://b${at}; proxy_http_version 1.1; proxy_request_buffering off;
proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; } }`,
  )
  .join('\n')}
}
`,
  }));
}

export function startHaproxy(count: number): Promise<Reference> {
  return start('HAProxy', '/usr/sbin/haproxy', count, (ways, dir) => ({
    args: ['-f', join(dir, 'config')],
    config: `global
  nbthread 1
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  timeout tunnel 60s
  option http-keep-alive
${ways
  .map(
    ({ port, upstream }, at) => `frontend f${at}
  bind 127.0.0.1:${port}
  default_backend b${at}
backend b${at}
  http-reuse always
  server s 127.0.0.1:${upstream}
`,
  )
  .join('')}`,
  }));
}

async function start(
  name: string,
  command: string,
  count: number,
  recipe: (ways: Way[], dir: string) => { args: string[]; config: string },
): Promise<Reference> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir('reference'));
  const courses: Course[] = [];
  for (let at = 0; at < count; at++) {
    const recorder = stack.use(await Recorder.start());
    courses.push({ port: await freePort(), host: 'backend.test', recorder });
  }
  const ways = courses.map(({ port, recorder }) => ({ port, upstream: recorder.port }));
  const { args, config } = recipe(ways, path);
  await writeFile(join(path, 'config'), config);
  const program: Program = stack.use(await startProgram({ command, args }));
  const first = courses[0]?.port ?? 0;
  const hello = 'GET / HTTP/1.1\r\nHost: backend.test\r\nConnection: close\r\n\r\n';
  await eventually(() => rawHttp(first, hello)).catch((cause: unknown) => {
    throw new Error(`${name} does not answer:\n${program.output()}`, { cause });
  });
  const disposables = stack.move();
  return { name, courses, [Symbol.asyncDispose]: () => disposables.disposeAsync() };
}
