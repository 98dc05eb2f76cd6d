/**
 * Rules between fields, as data. The check at startup (check-rules.ts) and Kong's entity checks (emit/entity-checks.ts)
 * use the same declaration. Fields are named by their dotted path.
 */
export type Rule =
  /** If `when` equals `is` (without `is`: if `when` is set), `field` must be set. */
  | { readonly kind: 'needs'; readonly when: string; readonly is?: string; readonly field: string }
  /** Either all of the fields are set or none. */
  | { readonly kind: 'together'; readonly fields: readonly string[] }
  /** At most one of the fields is set. */
  | { readonly kind: 'exclusive'; readonly fields: readonly string[] }
  /** `low` is at most `high`. */
  | { readonly kind: 'order'; readonly low: string; readonly high: string }
  /** No two fields have the same value. `ignoreCase` is for header names. */
  | { readonly kind: 'distinct'; readonly fields: readonly string[]; readonly ignoreCase?: true };
