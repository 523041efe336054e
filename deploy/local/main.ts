/** `npm run up`, once everything that it needs is installed. */
import { join } from 'node:path';
import { systemClock } from '@spawner/domain';
import { endSignal } from './end-signal.ts';
import { placeOf } from './place.ts';
import { Progress } from './progress.ts';
import { Up } from './up.ts';

const place = placeOf(join(import.meta.dirname, '..', '..'));
const progress = new Progress(systemClock, (line) => console.log(line));
const end = endSignal(() => up.killAll());
const up = new Up(place, process.env, progress, end);
process.exit(await up.run());
