/** A registry (distribution API v2) on loopback, from which an engine pulls images of one layer. It fails and stalls as told. */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { writeTar } from '../../deploy/images/tar.ts';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export interface StubRegistry extends AsyncDisposable {
  /** `host:port`, the beginning of its images' names. */
  readonly address: string;
  /** The requests for manifests, by repository, refused ones included. */
  readonly asked: readonly string[];
  /** The layers that were sent whole, by repository. */
  readonly sent: readonly string[];
  /** The statuses of the next answers to requests for manifests. */
  readonly failures: number[];
  /** While true, half of a layer is sent and the other half waits. */
  stalled: boolean;
  release(): void;
}

/** Each repository has one image of its own, whatever the tag. `bytes` is the size of its layer, which does not compress. */
export async function startStubRegistry(bytes: number): Promise<StubRegistry> {
  const images = new Map<string, Promise<Image>>();
  const held: (() => void)[] = [];
  const [asked, sent, failures]: [string[], string[], number[]] = [[], [], []];
  const server = createServer(async (request, response) => {
    const [, name = '', kind, reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? [];
    if (!kind) return response.writeHead(200).end('{}');
    const made = images.get(name) ?? imageOf(bytes);
    images.set(name, made);
    const image = await made;
    if (kind === 'manifests') {
      asked.push(name);
      const failure = failures.shift();
      if (failure !== undefined) return response.writeHead(failure).end();
      const digest = sha256(image.manifest);
      const head = { 'content-type': MANIFEST, 'docker-content-digest': digest };
      response.writeHead(200, { ...head, 'content-length': image.manifest.length });
      return response.end(request.method === 'HEAD' ? undefined : image.manifest);
    }
    if (reference === sha256(image.config)) return response.writeHead(200).end(image.config);
    response.writeHead(200, { 'content-length': image.layer.length });
    await sendLayer(image.layer, response);
    sent.push(name);
  });
  const sendLayer = async (layer: Buffer, response: ServerResponse) => {
    const half = Math.floor(layer.length / 2);
    response.write(layer.subarray(0, half));
    if (registry.stalled) await new Promise<void>((resolve) => held.push(resolve));
    response.end(layer.subarray(half));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const registry: StubRegistry = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    sent,
    failures,
    stalled: false,
    release() {
      registry.stalled = false;
      for (const resume of held.splice(0)) resume();
    },
    async [Symbol.asyncDispose]() {
      registry.release();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return registry;
}

interface Image {
  readonly manifest: Buffer;
  readonly config: Buffer;
  readonly layer: Buffer;
}

/** It has a file and no program, so a container of it cannot start. */
async function imageOf(bytes: number): Promise<Image> {
  const entries = [{ path: '/data', mode: 0o644, content: randomBytes(bytes) }];
  const tar = await buffer(Readable.from(writeTar(entries)));
  const layer = gzipSync(tar, { level: 0 });
  const config = Buffer.from(
    JSON.stringify({
      ...{ architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux' },
      config: { Cmd: ['/no/program'] },
      rootfs: { type: 'layers', diff_ids: [sha256(tar)] },
    }),
  );
  const described = (mediaType: string, content: Buffer) => ({
    mediaType: `application/vnd.docker.${mediaType}`,
    size: content.length,
    digest: sha256(content),
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: described('container.image.v1+json', config),
      layers: [described('image.rootfs.diff.tar.gzip', layer)],
    }),
  );
  return { manifest, config, layer };
}
