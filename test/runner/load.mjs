/** Runs a script of the test runner; one that cannot even be loaded still ends with a line that counts. */
import { pathToFileURL } from 'node:url';

const [script] = process.argv.splice(2, 1);
try {
  await import(pathToFileURL(script).href);
} catch (error) {
  console.error(error);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
}
