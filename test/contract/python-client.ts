/**
 * A client in another language: Debian's Python gRPC, with stubs that its protoc makes from the committed
 * descriptor set. The script plays a session against any gateway: the fake cluster's here, a whole one in
 * test/e2e.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { descriptorSet } from '@spawner/proto';
import { tempDir } from '@spawner/testkit';

const execute = promisify(execFile);
const HERE = dirname(fileURLToPath(import.meta.url));
const CONTRACT = ['backend', 'backend_service', 'explanation', 'fleet_service'].map(
  (name) => `spawner/v1/${name}.proto`,
);
const TIMEOUT_MS = 120_000;

export interface Step {
  step: string;
  [fact: string]: unknown;
}

/** Runs the Python client against a gateway's gRPC address; resolves with its steps, rejects with its complaint. */
export async function runPythonClient(address: string, image: string): Promise<Step[]> {
  await using stubs = await tempDir('python');
  await generate(stubs.path);
  const script = join(HERE, 'client.py');
  const { stdout } = await execute('/usr/bin/python3', [script, stubs.path, address, image], {
    timeout: TIMEOUT_MS,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Step);
}

async function generate(into: string): Promise<void> {
  const set = join(into, 'spawner.binpb');
  await writeFile(set, descriptorSet());
  const plugin = '--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin';
  const outputs = [`--python_out=${into}`, `--grpc_python_out=${into}`, plugin];
  await execute('/usr/bin/protoc', [`--descriptor_set_in=${set}`, ...outputs, ...CONTRACT]);
  await execute('/usr/bin/protoc', [`-I${HERE}`, `--python_out=${into}`, join(HERE, 'rpc_status.proto')]);
}
