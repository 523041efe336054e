import type { Redis, RedisReply } from '../redis.ts';
import type { ScriptDefinition } from './define-script.ts';

/** Runs one script by its digest. Redis forgets scripts when it restarts, so that the text may have to be sent again. */
export class ScriptRunner {
  readonly #script: Pick<ScriptDefinition, 'source'>;
  #sha: string | undefined;

  constructor(script: Pick<ScriptDefinition, 'source'>) {
    this.#script = script;
  }

  /** `key` is the one key that a script declares, which names the cluster. */
  async run(redis: Redis, key: string, argv: readonly (string | Buffer)[]): Promise<RedisReply> {
    const { source } = this.#script;
    const tail = ['1', key, ...argv];
    this.#sha ??= String(await redis.send(['SCRIPT', 'LOAD', source]));
    try {
      return await redis.send(['EVALSHA', this.#sha, ...tail]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return redis.send(['EVAL', source, ...tail]);
    }
  }
}
