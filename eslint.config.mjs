import js from '@eslint/js';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', '**/generated/**'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      'no-restricted-syntax': [
        'error',
        {
          selector: [
            'SpreadElement[argument.type="ObjectExpression"]',
            'SpreadElement[argument.type="ArrayExpression"]',
            'SpreadElement[argument.type="TSAsExpression"][argument.expression.type="ArrayExpression"]',
          ].join(', '),
          message: 'Write the properties or the elements out.',
        },
      ],
      curly: ['error', 'all'],
      // A hint to look for a second subject, not a limit to get under.
      'max-lines': ['warn', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // What a stranger sends is matched in linear time: also where a match is looked for from every character on.
    files: ['plugins/**/*.ts', 'kong/**/*.ts', 'schemas/**/*.ts'],
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignoreSticky: false }],
      'regexp/no-misleading-capturing-group': 'error',
    },
  },
  {
    files: ['spec/**/*.ts'],
    rules: { '@typescript-eslint/unbound-method': 'off', curly: ['error', 'multi-line'] },
  },
  {
    // Plain JavaScript is only what runs before or without a build.
    files: ['**/*.mjs', '**/*.cjs', '**/*.js'],
    ...tseslint.configs.disableTypeChecked,
    rules: {
      ...tseslint.configs.disableTypeChecked.rules,
      '@typescript-eslint/no-require-imports': 'off',
      'no-undef': 'off',
    },
  },
);
