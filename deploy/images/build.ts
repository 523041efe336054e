/**
 * Makes images from this repository and the node that runs it, without a registry. `node deploy/images/build.ts demo [probe …]`
 * puts them into the Docker Engine at DOCKER_HOST (a unix socket). `--programs DIR demo` makes programs for the agent's process
 * runtime.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { applicationFiles, findImage, REPOSITORY } from './catalogue.ts';
import { Engine } from './engine.ts';
import { FileDigests } from './file-digests.ts';
import { installProgram } from './program.ts';
import { NODE_IN_IMAGE, nodeRoot } from './rootfs.ts';
import { type TarEntry, writeTar } from './tar.ts';

const DIGEST_LABEL = 'spawner.digest';
const FILE_DIGESTS = join(REPOSITORY, 'node_modules', '.cache', 'file-digests.json');
const DEFAULT_SOCKET = '/var/run/docker.sock';

export interface BuildRequest {
  /** A name in the catalogue, such as `demo`. */
  name: string;
  socketPath?: string;
  /** The binary to put into the image: by default the one that runs this. */
  node?: string;
}

export interface BuildResult {
  reference: string;
  id: string;
  /** False if the same image existed already. */
  built: boolean;
}

/** Makes sure that Docker has the image as the files are now. Replaces an older one, and removes it if nothing uses it. */
export async function buildImage(request: BuildRequest): Promise<BuildResult> {
  const { name, socketPath = DEFAULT_SOCKET, node = process.execPath } = request;
  const image = findImage(name);
  const engine = new Engine(socketPath);
  const entries = [...nodeRoot(node), ...applicationFiles(image)];
  const instructions = [
    'ENV PATH=/usr/local/bin:/usr/bin:/bin',
    'ENV PORT=8080',
    'EXPOSE 8080',
    'USER node',
    'WORKDIR /app',
    `CMD ${JSON.stringify([NODE_IN_IMAGE, image.entry])}`,
  ];
  const digest = await contentDigest(entries, instructions);
  const { reference } = image;
  const present = await engine.inspect(reference);
  if (present?.labels[DIGEST_LABEL] === digest) return { reference, id: present.id, built: false };
  const labelled = [...instructions, `LABEL ${DIGEST_LABEL}=${digest}`];
  const id = await engine.import(reference, labelled, writeTar(entries));
  if (present?.labels[DIGEST_LABEL]) await removeUnnamed(engine, present.id);
  return { reference, id, built: true };
}

/** An image that has another name stays. */
async function removeUnnamed(engine: Engine, id: string): Promise<void> {
  const old = await engine.inspect(id);
  if (old?.tags.length === 0) await engine.remove(id);
}

async function contentDigest(entries: TarEntry[], instructions: string[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(instructions));
  const files = new FileDigests(FILE_DIGESTS);
  for (const { path, mode, content } of entries) {
    const bytes = Buffer.isBuffer(content) ? content.length : (content?.bytes ?? 0);
    hash.update(JSON.stringify([path, mode, bytes]));
    if (Buffer.isBuffer(content)) hash.update(content);
    else if (content) hash.update(await files.of(content.file));
  }
  return hash.digest('hex');
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { programs: { type: 'string' } },
  });
  if (positionals.length === 0)
    throw new Error('name an image, for instance: node deploy/images/build.ts demo');
  const socketPath = process.env.DOCKER_HOST?.replace(/^unix:\/\//, '') || DEFAULT_SOCKET;
  for (const name of positionals) {
    if (values.programs) console.log(installProgram({ name, directory: values.programs }));
    else {
      const { reference, built } = await buildImage({ name, socketPath });
      console.log(`${reference} ${built ? 'built' : 'is up to date'}`);
    }
  }
}

if (process.argv[1] === import.meta.filename) {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
