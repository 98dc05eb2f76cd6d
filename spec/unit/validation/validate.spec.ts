// What a schema says of a request, and which schemas there can be.
import { compileSchemas, validate } from '../../../plugins/async-request-reply/validation/validate';
import type {
  RequestParts,
  RequestSchemas,
  ValidationError,
} from '../../../plugins/async-request-reply/validation/request-schemas';

type Schemas = { [Part in keyof RequestSchemas]?: object };

const compile = (schemas: Schemas): ReturnType<typeof compileSchemas> =>
  compileSchemas(
    Object.fromEntries(Object.entries(schemas).map(([part, schema]) => [part, JSON.stringify(schema)])),
  );

function errorsOf(schemas: Schemas, parts: RequestParts): readonly ValidationError[] {
  const outcome = validate(compile(schemas), parts);
  return outcome.kind === 'invalid' ? outcome.errors : [];
}

const body = (text: string): RequestParts => ({ body: [Buffer.from(text)] });

const short = (errors: readonly ValidationError[]): string[] =>
  errors.map((error) => `${error.in} ${error.pointer} ${error.keyword}`);

const ORDER = {
  type: 'object',
  required: ['item', 'count'],
  properties: {
    item: { type: 'string', minLength: 1 },
    count: { type: 'integer', maximum: 10 },
    at: { type: 'string', format: 'date-time' },
  },
  additionalProperties: false,
};

test('every error of all parts is reported with pointer, keyword and message', () => {
  const schemas = {
    body: ORDER,
    query: { required: ['page'] },
    headers: { properties: { 'x-tenant': { pattern: '^t-' } } },
  };
  const parts = {
    ...body('{"item":"","at":"soon","more":1}'),
    query: [],
    headers: [['x-tenant', 'a']] as const,
  };
  const errors = errorsOf(schemas, parts);

  expect(short(errors).sort()).toEqual([
    'body  required',
    'body /at format',
    'body /item minLength',
    'body /more additionalProperties',
    'headers /x-tenant pattern',
    'query  required',
  ]);
  expect(errors.every(({ message }) => message.length > 0)).toBe(true);
});

test('no error contains a value of the request', () => {
  const errors = errorsOf(
    {
      body: { items: { type: 'integer', enum: [1] } },
      headers: { properties: { authorization: { const: 'x' } } },
    },
    {
      ...body('["secret-of-alice", {"a":"secret-of-alice"}]'),
      headers: [['authorization', 'secret-of-alice']],
    },
  );
  expect(errors.length).toBeGreaterThan(2);
  expect(JSON.stringify(errors)).not.toContain('secret-of-alice');
});

test('at most a hundred errors are reported', () => {
  const text = JSON.stringify(Array.from({ length: 1000 }, () => 'a'));
  expect(errorsOf({ body: { items: { type: 'integer' } } }, body(text))).toHaveLength(100);
});

test.each([
  ['{"a":1,"a":2}', 'body /a json'],
  ['', 'body  json'],
  ['{"count":1e400,"item":"a"}', 'body /count type'],
])('%s: %s', (text, error) => {
  expect(short(errorsOf({ body: ORDER }, body(text)))).toEqual([error]);
});

test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
  '%s is required if the schema requires it',
  (name) => {
    const schema = { required: [name] };
    expect(short(errorsOf({ body: schema }, body('{}')))).toEqual(['body  required']);
    expect(short(errorsOf({ body: schema }, body(`{"${name}":1}`)))).toEqual([]);
    expect(short(errorsOf({ query: schema }, { query: [] }))).toEqual(['query  required']);
    expect(short(errorsOf({ query: schema }, { query: [[name, '1']] }))).toEqual([]);
  },
);

test('__proto__ is an additional member if additional members are not allowed', () => {
  const errors = errorsOf({ body: ORDER }, body('{"item":"a","count":1,"__proto__":{"count":1}}'));
  expect(short(errors)).toEqual(['body /__proto__ additionalProperties']);
});

test('a body that is nested too deeply for the schema is reported as such', () => {
  const tree = { $ref: '#/$defs/node', $defs: { node: { items: { $ref: '#/$defs/node' } } } };
  const depth = 200_000;
  const errors = errorsOf({ body: tree }, body('['.repeat(depth) + ']'.repeat(depth)));
  expect(short(errors)).toEqual(['body  depth']);
});

describe('texts of the query and of headers', () => {
  const schema = {
    properties: {
      page: { type: 'integer', minimum: 1 },
      deep: { type: 'boolean' },
      tag: { type: 'array', items: { type: 'string' } },
    },
    additionalProperties: false,
  };

  test.each<[RequestParts['query'], string[]]>([
    [
      [
        ['page', '2'],
        ['deep', 'true'],
        ['tag', 'a'],
        ['tag', 'b'],
      ],
      [],
    ],
    [[['tag', 'a']], []],
    [[['page', '0']], ['query /page minimum']],
    [[['page', 'two']], ['query /page type']],
    [
      [
        ['page', '1'],
        ['page', '2'],
      ],
      ['query /page type'],
    ],
    [[['deep', 'yes']], ['query /deep type']],
    [[['__proto__', 'a']], ['query /__proto__ additionalProperties']],
  ])('%j: %j', (query, errors) => {
    expect(short(errorsOf({ query: schema }, { query }))).toEqual(errors);
  });

  test('fields of one name are one, cookies by semicolons', () => {
    const headers = { properties: { accept: { const: 'a, b' }, cookie: { const: 'a=1; b=2' } } };
    const fields = [
      ['accept', 'a'],
      ['cookie', 'a=1'],
      ['accept', 'b'],
      ['cookie', 'b=2'],
    ] as const;
    expect(errorsOf({ headers }, { headers: fields })).toEqual([]);
  });
});

describe('schemas', () => {
  test.each([
    ['draft 2020-12 by default', { prefixItems: [{ type: 'integer' }] }, '["a"]', 'body /0 type'],
    [
      'draft 2020-12 by name',
      { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{ type: 'integer' }] },
      '["a"]',
      'body /0 type',
    ],
    [
      'draft-07 by name',
      { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'integer' }] },
      '["a"]',
      'body /0 type',
    ],
  ])('%s', (_draft, schema, text, error) => {
    expect(short(errorsOf({ body: schema }, body(text)))).toEqual([error]);
  });

  test('may refer to themselves, to their own $id and to the meta-schema, and carry annotations', () => {
    const schema = {
      $id: 'https://example.com/order',
      'x-internal': true,
      example: {},
      properties: {
        a: { $ref: '#/$defs/a' },
        b: { $ref: 'https://example.com/order#/$defs/a' },
        c: { $ref: 'https://json-schema.org/draft/2020-12/schema' },
      },
      $defs: { a: { type: 'integer' } },
    };
    expect(short(errorsOf({ body: schema }, body('{"a":"","b":"","c":{"type":"none"}}')))).toEqual(
      expect.arrayContaining(['body /a type', 'body /b type']),
    );
  });

  test.each([
    ['a keyword that nobody knows', { requierd: ['a'] }],
    ['a format that nobody knows', { format: 'date-tiem' }],
    ['a keyword of the wrong kind', { required: 'a' }],
    ['a type that there is not', { type: 'text' }],
    ['a pattern that is no regular expression', { pattern: '(' }],
    ['a $ref to the network', { $ref: 'https://example.com/schema.json' }],
    ['a $ref to a file', { $ref: 'file:///etc/passwd' }],
    ['a $ref to nowhere', { $ref: '#/$defs/none' }],
    ['draft-04', { $schema: 'http://json-schema.org/draft-04/schema#' }],
    ['a $schema that nobody knows', { $schema: 'https://example.com/meta' }],
  ])('%s does not compile', (_what, schema) => {
    expect(() => compile({ body: schema })).toThrow();
  });
});
