/** The function as it is, but never more than so many calls of it at a time; the others wait in order. */
export function atMost<In, Out>(
  most: number,
  work: (input: In) => Promise<Out>,
): (input: In) => Promise<Out> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (input) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work(input);
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
