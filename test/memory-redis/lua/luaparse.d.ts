/** The package brings no types of its own; these are the nodes that it makes of Lua 5.1. */
declare module 'luaparse' {
  interface Node {
    loc: { start: { line: number } };
    range: [start: number, end: number];
  }
  export type Identifier = Node & { type: 'Identifier'; name: string };
  export type StringLiteral = Node & { type: 'StringLiteral'; value: string };
  export type VarargLiteral = Node & { type: 'VarargLiteral' };
  export type Member = Node & {
    type: 'MemberExpression';
    indexer: '.' | ':';
    base: Expression;
    identifier: Identifier;
  };
  export type Index = Node & { type: 'IndexExpression'; base: Expression; index: Expression };
  export type Call =
    | (Node & { type: 'CallExpression'; base: Expression; arguments: Expression[] })
    | (Node & { type: 'TableCallExpression'; base: Expression; arguments: Expression })
    | (Node & { type: 'StringCallExpression'; base: Expression; argument: Expression });
  export type FunctionNode = Node & {
    type: 'FunctionDeclaration';
    identifier: Identifier | Member | null;
    isLocal: boolean;
    parameters: (Identifier | VarargLiteral)[];
    body: Statement[];
  };
  export type Table = Node & {
    type: 'TableConstructorExpression';
    fields: (
      | { type: 'TableValue'; value: Expression }
      | { type: 'TableKey'; key: Expression; value: Expression }
      | { type: 'TableKeyString'; key: Identifier; value: Expression }
    )[];
  };
  export type Expression =
    | Identifier
    | StringLiteral
    | VarargLiteral
    | Member
    | Index
    | Call
    | FunctionNode
    | Table
    | (Node & { type: 'NumericLiteral'; value: number })
    | (Node & { type: 'BooleanLiteral'; value: boolean })
    | (Node & { type: 'NilLiteral' })
    | (Node & { type: 'LogicalExpression'; operator: 'and' | 'or'; left: Expression; right: Expression })
    | (Node & { type: 'BinaryExpression'; operator: string; left: Expression; right: Expression })
    | (Node & { type: 'UnaryExpression'; operator: 'not' | '-' | '#'; argument: Expression });
  export type Statement =
    | (Node & { type: 'LocalStatement'; variables: Identifier[]; init: Expression[] })
    | (Node & { type: 'AssignmentStatement'; variables: (Identifier | Member | Index)[]; init: Expression[] })
    | (Node & { type: 'CallStatement'; expression: Call })
    | FunctionNode
    | (Node & {
        type: 'IfStatement';
        clauses: (
          | { type: 'IfClause' | 'ElseifClause'; condition: Expression; body: Statement[] }
          | { type: 'ElseClause'; body: Statement[] }
        )[];
      })
    | (Node & { type: 'WhileStatement'; condition: Expression; body: Statement[] })
    | (Node & { type: 'RepeatStatement'; condition: Expression; body: Statement[] })
    | (Node & { type: 'DoStatement'; body: Statement[] })
    | (Node & {
        type: 'ForNumericStatement';
        variable: Identifier;
        start: Expression;
        end: Expression;
        step: Expression | null;
        body: Statement[];
      })
    | (Node & {
        type: 'ForGenericStatement';
        variables: Identifier[];
        iterators: Expression[];
        body: Statement[];
      })
    | (Node & { type: 'ReturnStatement'; arguments: Expression[] })
    | (Node & { type: 'BreakStatement' });

  const luaparse: {
    /** Throws a SyntaxError with the line where the text is not Lua. */
    parse(
      source: string,
      options: {
        luaVersion: '5.1';
        encodingMode: 'pseudo-latin1';
        comments: false;
        locations: true;
        ranges: true;
      },
    ): { body: Statement[] };
  };
  export default luaparse;
}
