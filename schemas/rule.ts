/**
 * Rules between fields, as data: one declaration serves the check at start (check-rules.ts) and Kong's entity checks
 * (emit/entity-checks.ts). Fields are named by their dotted path.
 */
export type Rule =
  /** When `when` equals `is` (or is set at all, without `is`), `field` must be set. */
  | { readonly kind: 'needs'; readonly when: string; readonly is?: string; readonly field: string }
  /** All of them or none. */
  | { readonly kind: 'together'; readonly fields: readonly string[] }
  /** One of them at most. */
  | { readonly kind: 'exclusive'; readonly fields: readonly string[] }
  /** `low` is at most `high`. */
  | { readonly kind: 'order'; readonly low: string; readonly high: string }
  /** No two have the same value; `ignoreCase` is for header names. */
  | { readonly kind: 'distinct'; readonly fields: readonly string[]; readonly ignoreCase?: true };
