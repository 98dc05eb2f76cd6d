// The header fields that every answer of ours carries.
import { OWN_ANSWER_FIELDS, type HeaderField } from '../http/reply';
import type { RouteSettings } from './route/route-settings';

/** The fields of a request that decide what becomes of it. */
export const varyValue = (settings: RouteSettings): string => `${settings.idHeader}, Prefer`;

const varyField = (settings: RouteSettings): HeaderField => ['Vary', varyValue(settings)];

/** For answers that are ours alone. */
export const jobHeaders = (settings: RouteSettings, id?: string): HeaderField[] => [
  ...jobFields(settings, id),
  ...OWN_ANSWER_FIELDS,
];

/** For replays, whose Cache-Control is the upstream's: the ID and `Vary`. */
export const jobFields = (settings: RouteSettings, id?: string): HeaderField[] => [
  ...(id === undefined ? [] : [[settings.idHeader, id] as const]),
  varyField(settings),
];
