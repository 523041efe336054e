/** Loaded before a service's main: gives it the fault that SPAWNER_TEST_MUTATION names. */
import { registerHooks } from 'node:module';
import { MUTATIONS, mutated } from './mutations.ts';

const mutation = MUTATIONS[process.env.SPAWNER_TEST_MUTATION ?? ''];
if (!mutation) throw new Error('SPAWNER_TEST_MUTATION names no mutation');

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/${mutation.file}`)) return loaded;
    return { ...loaded, source: mutated(String(loaded.source), mutation) };
  },
});
