import { type Done, echoes, handshakes, requests } from './load.ts';
import type { Target } from './targets.ts';

/** One kind of load. */
export interface Work {
  name: string;
  /** The peer whose cost is the unit of the table. */
  by: string;
  load(target: Target, seconds: number): Promise<Done>;
}

const BROWSER = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
  'Connection: keep-alive',
  'Cookie: session=0123456789abcdef0123456789abcdef0123456789abcdef; theme=dark; seen=1',
  'Referer: https://app.example/room/7',
  'Sec-Fetch-Dest: empty',
  'Sec-Fetch-Mode: cors',
  'Sec-Fetch-Site: same-origin',
  'Cache-Control: no-cache',
];

export const SHORT_REQUEST: Work = {
  name: 'request, 128 B',
  by: 'nginx',
  load: ({ port, host }, seconds) => requests(port, host, '/128', seconds),
};

export const WORKS: readonly Work[] = [
  SHORT_REQUEST,
  {
    name: "request, 128 B, a browser's head",
    by: 'nginx',
    load: ({ port, host }, seconds) => requests(port, host, '/128', seconds, BROWSER),
  },
  {
    name: 'request, 16 KiB',
    by: 'nginx',
    load: ({ port, host }, seconds) => requests(port, host, '/16384', seconds),
  },
  {
    name: 'WebSocket echo, 64 B',
    by: 'HAProxy',
    load: ({ port, host }, seconds) => echoes(port, host, 64, seconds),
  },
  {
    name: 'WebSocket echo, 4 KiB',
    by: 'HAProxy',
    load: ({ port, host }, seconds) => echoes(port, host, 4_096, seconds),
  },
  {
    name: 'TLS handshake, P-256',
    by: 'nginx',
    load: ({ httpsPort, host }, seconds) => handshakes(httpsPort, host, seconds),
  },
];
