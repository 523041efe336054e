/** The package brings no types of its own. */
declare module 'hcl2-parser' {
  const parser: {
    /** The content of an HCL file, every block as a list; null beside what is wrong with it. */
    parseToObject(text: string): [content: unknown, problem: unknown];
  };
  export default parser;
}
