/**
 * The contract must not break what its last release promised. The images in proto/baseline hold that promise; `npm run
 * baseline` replaces them.
 */
import { join } from 'node:path';
import { runCommand } from './command.ts';

/** buf's rules: FILE also protects generated code and JSON, WIRE only the binary form between our own services. */
const BASELINES = [
  { image: 'proto/baseline/v1.binpb', rules: 'FILE' },
  { image: 'proto/baseline/internal.binpb', rules: 'WIRE' },
] as const;

/** Returns one line for each baseline that the contract below `root` breaks. buf prints the changes. */
export async function brokenBaselines(root: string, signal?: AbortSignal): Promise<string[]> {
  const broken: string[] = [];
  for (const { image, rules } of BASELINES) {
    const config = { version: 'v2', modules: [{ path: 'proto' }], breaking: { use: [rules] } };
    const args = ['breaking', '--against', join(root, image), '--config', JSON.stringify(config)];
    const code = await runCommand('buf', args, { cwd: root, signal });
    if (code !== 0) broken.push(`${image} is broken (${rules})`);
  }
  return broken;
}
