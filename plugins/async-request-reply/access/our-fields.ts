// The header fields that every answer of ours carries.
import type { HeaderField } from '../http/reply';
import type { RouteSettings } from './route-settings';

/** The fields of a request that decide what becomes of it. */
export const varyValue = (settings: RouteSettings): string => `${settings.idHeader}, Prefer`;

const varyField = (settings: RouteSettings): HeaderField => ['Vary', varyValue(settings)];

/** For answers that are ours alone: never to be stored by anybody. */
export const answerFields = (settings: RouteSettings, id?: string): HeaderField[] => [
  ...jobFields(settings, id),
  ['Cache-Control', 'no-store'],
];

/** For replays, whose Cache-Control is the upstream's: the ID and `Vary`. */
export const jobFields = (settings: RouteSettings, id?: string): HeaderField[] => [
  ...(id === undefined ? [] : [[settings.idHeader, id] as const]),
  varyField(settings),
];
