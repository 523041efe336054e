/** `npm run prose -- PATH…`: prints what breaks the rules of language below these paths, and how long sentences are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { complaintsOf, LONG_WORDS, MOST_WORDS, sentencesOf } from './prose.ts';
import { filesUnder } from './prose-files.ts';

const root = join(import.meta.dirname, '..', '..');
const files = filesUnder(process.argv.slice(2));
const lengths: number[] = [];
for (const path of files) {
  const text = readFileSync(join(root, path), 'utf8');
  for (const { line, rule, text: found } of complaintsOf(path, text))
    console.log(`${path}:${line}: ${rule}: ${found}`);
  for (const { line, text: sentence, words } of sentencesOf(path, text)) {
    lengths.push(words);
    if (words > LONG_WORDS && words <= MOST_WORDS)
      console.log(`${path}:${line}: long (${words}): ${sentence}`);
  }
}
lengths.sort((a, b) => a - b);
const at = (share: number) => lengths[Math.floor(lengths.length * share)] ?? 0;
console.log(
  `${files.length} files, ${lengths.length} sentences: median ${at(0.5)} words, 95 % within ${at(0.95)}, longest ${lengths.at(-1) ?? 0}`,
);
