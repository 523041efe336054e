/** The images that this repository makes, with the content and entry of each. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TarEntry } from './tar.ts';

export interface ImageSource {
  reference: string;
  /** Folders and files below the repository; in the image they have the same paths below /app. */
  parts: readonly string[];
  entry: string;
}

export const REPOSITORY = join(import.meta.dirname, '../..');

/** The one npm package that images need. */
const WEBSOCKETS = 'node_modules/ws';

const IMAGES: Record<string, ImageSource> = {
  demo: {
    reference: 'spawner/demo:latest',
    parts: ['deploy/images/demo', WEBSOCKETS],
    entry: 'deploy/images/demo/server.ts',
  },
  probe: {
    reference: 'spawner/probe:latest',
    parts: ['test/images/probe', 'deploy/images/demo/websocket.ts', WEBSOCKETS],
    entry: 'test/images/probe/server.ts',
  },
  streams: {
    reference: 'spawner/streams:latest',
    parts: ['test/images/streams'],
    entry: 'test/images/streams/server.ts',
  },
};

/** Files that stay out of images: tests, and those for other ways of starting. */
const LEFT_OUT = /\.test\.ts$|\/(Dockerfile|\.dockerignore|run|README\.md)$/;

/** Throws an error that names all images if there is none of this name. */
export function findImage(name: string): ImageSource {
  const image = IMAGES[name];
  if (!image) throw new Error(`no image ${name}; there are ${Object.keys(IMAGES).join(', ')}`);
  return image;
}

/** The application's files, as entries of the image. */
export function applicationFiles(image: ImageSource): TarEntry[] {
  const files = image.parts.flatMap(filesBelow).filter((path) => !LEFT_OUT.test(path));
  const manifest = { path: '/app/package.json', mode: 0o644, content: Buffer.from('{ "type": "module" }\n') };
  return [
    manifest,
    ...files.toSorted().map((path) => ({
      path: `/app/${path}`,
      mode: 0o644,
      content: readFileSync(join(REPOSITORY, path)),
    })),
  ];
}

function filesBelow(path: string): string[] {
  if (!statSync(join(REPOSITORY, path)).isDirectory()) return [path];
  return readdirSync(join(REPOSITORY, path)).flatMap((name) => filesBelow(`${path}/${name}`));
}
